/**
 * From candidates to their order: fusion, recency, and the reranker where the query asks for one.
 * What is below a floor or grouped together is for the caller to take out.
 */
import { RetrievalError } from '../errors.js';
import type { Generation } from '../model.js';
import type { Reranker } from '../rerank/port.js';
import type { CallOptions, ChunkRecord, GenerationRef, VectorStore } from '../stores/port.js';
import { VANISHED, readChunks } from './candidates.js';
import { fuse, single, theoreticalMinimum } from './fusion.js';
import type { Candidate, FusedCandidate } from './fusion.js';
import { recencyPart } from './recency.js';
import { rerankCandidates } from './rerank.js';
import type { QueryRequest, Warning } from './schema.js';
import { compareScored, scoreOf } from './score.js';
import type { ScoredCandidate } from './score.js';

/** Candidates with their scores, best first, and the chunks that were read for them. */
export interface ScoredCandidates {
  readonly candidates: readonly ScoredCandidate[];
  readonly known: ReadonlyMap<string, ChunkRecord>;
}

/** Fuses the legs and blends recency in. @param now epoch milliseconds that ages are counted from */
export async function scoreCandidates(
  store: Pick<VectorStore, 'getChunks'>,
  ref: GenerationRef,
  generation: Generation,
  request: QueryRequest,
  candidates: readonly Candidate[],
  now: number,
  options: CallOptions,
): Promise<ScoredCandidates | typeof VANISHED> {
  const fused = relevances(candidates, generation, request);
  // Recency is all that needs more than scores.
  const ids = request.recency === undefined ? [] : candidates.map(({ chunkId }) => chunkId);
  const known = await readChunks(store, ref, ids, new Map(), options);
  if (known === VANISHED) return VANISHED;
  const scored: ScoredCandidate[] = [];
  for (const { candidate, relevance } of fused) {
    const record = known.get(candidate.chunkId);
    const recency =
      request.recency === undefined
        ? null
        : recencyPart(dateOf(record, request.recency.field), {
            halfLifeDays: request.recency.half_life_days,
            weight: request.recency.weight,
            now,
          });
    const explain = { ...relevance, recency };
    const score = scoreOf(explain);
    scored.push({ chunkId: candidate.chunkId, documentId: candidate.documentId, score, explain });
  }
  return { candidates: scored.sort(compareScored), known };
}

/** Candidates best first. */
export interface Order {
  readonly candidates: readonly ScoredCandidate[];
  /** Chunks read so far. */
  readonly known: ReadonlyMap<string, ChunkRecord>;
  readonly warnings: readonly Warning[];
  readonly ms: number | null;
}

/** The fused order as it is, or the reranker's where the query asks for one. */
export async function orderCandidates(
  { store, reranker }: { readonly store: Pick<VectorStore, 'getChunks'>; readonly reranker?: Reranker },
  ref: GenerationRef,
  request: QueryRequest,
  { candidates: sorted, known }: ScoredCandidates,
  options: CallOptions,
): Promise<Order | typeof VANISHED> {
  const { rerank: settings } = request;
  if (settings === undefined) return { candidates: sorted, known, warnings: [], ms: null };
  if (reranker === undefined)
    throw new RetrievalError('internal', 'This runtime was made without a reranker');
  const began = performance.now();
  const ids = sorted.slice(0, settings.candidates).map(({ chunkId }) => chunkId);
  const read = await readChunks(store, ref, ids, known, options);
  if (read === VANISHED) return VANISHED;
  const { candidates, warnings } = await rerankCandidates(
    reranker,
    { query: request.query, rerank: settings },
    sorted,
    // What is indexed: the heading path says what a passage is about.
    ({ chunkId }) => read.get(chunkId)?.indexedText ?? '',
    options,
  );
  return { candidates, known: read, warnings, ms: performance.now() - began };
}

function relevances(
  candidates: readonly Candidate[],
  generation: Generation,
  request: QueryRequest,
): readonly FusedCandidate[] {
  const minimum = theoreticalMinimum(generation.metric, generation.pin.normalized);
  switch (request.mode) {
    case 'hybrid':
      return fuse(candidates, request.fusion, minimum);
    case 'vector': {
      // A cosine can be blended with recency as it is; distances and free dot products can not.
      const bounded = minimum === -1;
      return single(candidates, 'vector', request.recency === undefined || bounded ? null : { minimum });
    }
    case 'keyword':
      return single(candidates, 'keyword', request.recency === undefined ? null : { minimum: 0 });
    default:
      return request.mode satisfies never;
  }
}

function dateOf(record: ChunkRecord | undefined, field: string): number | null {
  const value = record?.values[field];
  return typeof value === 'number' ? value : null;
}
