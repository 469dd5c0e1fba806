/** The candidates of a query: both legs, their union, and the scores that one of them lacks. */
import type { Filter } from '../model.js';
import { RetrievalError } from '../errors.js';
import type {
  CallOptions,
  ChunkRecord,
  ChunkScores,
  GenerationRef,
  LegHit,
  VectorLegPlan,
  VectorStore,
} from '../stores/port.js';
import type { Candidate } from './fusion.js';
import type { QueryRequest } from './schema.js';

export interface CandidateQuery {
  /** May still be on its way: the keyword leg does not wait for it. Null: the vector leg is not asked. */
  readonly vector: Promise<Float32Array> | null;
  /** Null: the keyword leg is not asked. */
  readonly text: string | null;
  readonly filter: Filter;
  readonly perLeg: number;
  readonly efSearch: number | undefined;
  readonly exact: boolean;
}

/** What a request asks of the legs. */
export function candidateQuery(
  request: Pick<QueryRequest, 'mode' | 'query' | 'candidates' | 'ef_search' | 'exact'>,
  filter: Filter,
  vector: Promise<Float32Array> | null,
): CandidateQuery {
  return {
    vector,
    text: request.mode === 'vector' ? null : request.query,
    filter,
    perLeg: request.candidates,
    efSearch: request.ef_search,
    exact: request.exact,
  };
}

export interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly plan: VectorLegPlan | null;
  /** From the moment the vector was there. */
  readonly legsMs: number;
  readonly completeMs: number;
}

/** A chunk was replaced between a leg and its completion: the whole query has to be asked again. */
export const VANISHED = Symbol('vanished');

/** The chunks known already and these. */
export async function readChunks(
  store: Pick<VectorStore, 'getChunks'>,
  ref: GenerationRef,
  ids: readonly string[],
  known: ReadonlyMap<string, ChunkRecord>,
  options: CallOptions,
): Promise<ReadonlyMap<string, ChunkRecord> | typeof VANISHED> {
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length === 0) return known;
  const read = new Map([...known, ...(await store.getChunks(ref, missing, options))]);
  return missing.every((id) => read.has(id)) ? read : VANISHED;
}

/**
 * Asks the legs in parallel and completes the scores, so that a candidate's place does not depend
 * on which leg brought it or on how deep the legs went.
 */
export async function findCandidates(
  store: Pick<VectorStore, 'vectorLeg' | 'keywordLeg' | 'scoreChunks'>,
  ref: GenerationRef,
  query: CandidateQuery,
  options: CallOptions,
): Promise<Candidates | typeof VANISHED> {
  const keywords =
    query.text === null
      ? null
      : store.keywordLeg(ref, { text: query.text, k: query.perLeg, filter: query.filter }, options);
  // Without a vector nobody waits for it any more.
  keywords?.catch(() => undefined);
  const vector = await query.vector;
  const began = performance.now();
  const [vectorLeg, keywordLeg] = await Promise.all([
    vector === null
      ? null
      : store.vectorLeg(
          ref,
          {
            vector,
            k: query.perLeg,
            filter: query.filter,
            exact: query.exact,
            ...(query.efSearch === undefined ? {} : { efSearch: query.efSearch }),
          },
          options,
        ),
    keywords,
  ]);
  const afterLegs = performance.now();
  const candidates = await unite(
    store,
    ref,
    { vector, text: query.text },
    vectorLeg?.hits ?? null,
    keywordLeg,
    options,
  );
  if (candidates === VANISHED) return VANISHED;
  return {
    candidates,
    plan: vectorLeg?.plan ?? null,
    legsMs: afterLegs - began,
    completeMs: performance.now() - afterLegs,
  };
}

async function unite(
  store: Pick<VectorStore, 'scoreChunks'>,
  ref: GenerationRef,
  query: { readonly vector: Float32Array | null; readonly text: string | null },
  vectorHits: readonly LegHit[] | null,
  keywordHits: readonly LegHit[] | null,
  options: CallOptions,
): Promise<readonly Candidate[] | typeof VANISHED> {
  const vectorPlaces = places(vectorHits);
  const keywordPlaces = places(keywordHits);
  const documents = new Map(
    [...(vectorHits ?? []), ...(keywordHits ?? [])].map((hit) => [hit.chunkId, hit.documentId]),
  );
  const both = vectorHits !== null && keywordHits !== null;
  const incomplete = both
    ? [...documents.keys()].filter((id) => !vectorPlaces.has(id) || !keywordPlaces.has(id))
    : [];
  const completed =
    incomplete.length === 0 || query.vector === null || query.text === null
      ? new Map<string, ChunkScores>()
      : await store.scoreChunks(
          ref,
          { chunkIds: incomplete, vector: query.vector, text: query.text },
          options,
        );
  if (incomplete.some((id) => !completed.has(id))) return VANISHED;

  return [...documents].map(([chunkId, documentId]) => ({
    chunkId,
    documentId,
    vector: vectorHits === null ? null : legScore(vectorPlaces.get(chunkId), completed.get(chunkId)?.vector),
    keyword:
      keywordHits === null ? null : legScore(keywordPlaces.get(chunkId), completed.get(chunkId)?.keyword),
  }));
}

function legScore(
  place: { readonly rank: number; readonly score: number } | undefined,
  completed: number | null | undefined,
): { readonly rank: number | null; readonly score: number } {
  if (place !== undefined) return place;
  if (typeof completed === 'number') return { rank: null, score: completed };
  throw new RetrievalError('store_invalid_response', 'The store left out a score it was asked for');
}

function places(
  hits: readonly LegHit[] | null,
): ReadonlyMap<string, { readonly rank: number; readonly score: number }> {
  return new Map((hits ?? []).map((hit, index) => [hit.chunkId, { rank: index + 1, score: hit.score }]));
}
