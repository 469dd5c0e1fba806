/**
 * Why a document that was expected is not among a query's hits: the query is asked again, and the
 * document is followed through its stages until it is lost.
 */
import type { Embedder } from '../embedders/port.js';
import { RetrievalError } from '../errors.js';
import { explainFilter } from '../metadata/explain-filter.js';
import { isStorable } from '../metadata/values.js';
import type { Collection, Filter, Generation } from '../model.js';
import { assertSamePin } from '../pin.js';
import type { Reranker } from '../rerank/port.js';
import type { CallOptions, ChunkRecord, GenerationRef, VectorStore } from '../stores/port.js';
import { VANISHED, candidateQuery, findCandidates } from './candidates.js';
import { parseFilter } from './filter/parse.js';
import { chooseGeneration } from './generation.js';
import { orderCandidates, scoreCandidates } from './order.js';
import { assertPage } from './pages.js';
import { groupByParent } from './parents.js';
import { embedQuestion } from './question.js';
import { assertRecencyField } from './recency.js';
import type { QueryRequest } from './schema.js';
import { groupHits } from './score.js';
import type { ScoredCandidate } from './score.js';
import type { WhyAnswer, WhyRequest, WhyStage } from './why-schema.js';

export interface WhyPorts {
  readonly store: VectorStore;
  getCollection(name: string, options: CallOptions): Promise<Collection>;
  openEmbedder(name: string): Promise<Embedder>;
  readonly reranker?: Reranker;
  now(): number;
}

/** How far down a leg is looked for a document. */
const DEPTH = 10_000;

interface Search {
  readonly ports: WhyPorts;
  readonly ref: GenerationRef;
  readonly generation: Generation;
  readonly request: QueryRequest;
  readonly filter: Filter;
  readonly vector: Float32Array | null;
  readonly options: CallOptions;
}

type Findings = Pick<WhyAnswer, 'stage' | 'reason'> & Partial<Omit<WhyAnswer, 'stage' | 'reason'>>;

export function createWhy(
  ports: WhyPorts,
): (name: string, asked: WhyRequest, options?: CallOptions) => Promise<WhyAnswer> {
  return async (name, { request, document_id: documentId, chunk_id: chunkId }, options = {}) => {
    assertPage(request);
    const collection = await ports.getCollection(name, options);
    const generation = await chooseGeneration(ports.store, collection, request, options);
    const filter = parseFilter(request.filter ?? {}, collection.fields);
    assertRecencyField(collection, request);
    const ref: GenerationRef = { collection: name, generation: generation.id };
    const answer = (found: Findings): WhyAnswer => ({
      collection: name,
      generation: generation.id,
      document_id: documentId,
      chunk: null,
      filter: [],
      vector: null,
      keyword: null,
      fused: null,
      ...found,
    });

    const stored = isStorable(documentId) ? await ports.store.getDocument(name, documentId, options) : null;
    if (stored === null) return answer(notIngested());
    const all = await ports.store.documentChunks(ref, documentId, options);
    if (all.length === 0) {
      return answer(stored.document.text.trim() === '' ? noText() : notBuilt(generation));
    }
    const chunks = chunkId === undefined ? all : all.filter(({ id }) => id === chunkId);
    const [first] = chunks;
    if (first === undefined) throw noSuchChunk(all);
    const failed = explainFilter(filter, first.values);
    if (failed.length > 0) {
      const predicates = failed.map((predicate) => ({
        ...predicate,
        operand: listOf(predicate.operand),
        value: listOf(predicate.value),
      }));
      return answer({ ...filteredOut(failed.map(describePredicate)), filter: predicates });
    }
    const vector =
      request.mode === 'keyword' ? null : await vectorOf(ports, collection, generation, request, options);
    return answer(
      await follow({ ports, ref, generation, request, filter, vector, options }, chunks, documentId),
    );
  };
}

/** From the candidates on. */
async function follow(search: Search, chunks: readonly ChunkRecord[], documentId: string): Promise<Findings> {
  const { ports, ref, generation, request, filter, vector, options } = search;
  const query = candidateQuery(request, filter, vector === null ? null : Promise.resolve(vector));
  const found = await findCandidates(ports.store, ref, query, options);
  if (found === VANISHED) throw changed();
  const own = new Map(chunks.map((chunk) => [chunk.id, chunk]));
  if (!found.candidates.some((candidate) => own.has(candidate.chunkId))) return lostInLegs(search, chunks);

  const now = request.recency?.now === undefined ? ports.now() : Date.parse(request.recency.now);
  const scored = await scoreCandidates(ports.store, ref, generation, request, found.candidates, now, options);
  if (scored === VANISHED) throw changed();
  const order = await orderCandidates(ports, ref, request, scored, options);
  if (order === VANISHED) throw changed();
  const isOwn = (candidate: ScoredCandidate): boolean => own.has(candidate.chunkId);
  const furthest = order.candidates.find(isOwn) ?? scored.candidates.find(isOwn);
  const chunk = passageOf(furthest === undefined ? undefined : own.get(furthest.chunkId));
  const legs = { chunk, ...legsOf(furthest, request) };

  const ranked = order.candidates.find(isOwn);
  if (ranked === undefined) return { ...legs, ...rerankedAway(request) };
  const floor = request.min_score ?? -Infinity;
  const kept = order.candidates.filter(({ score }) => score >= floor);
  if (ranked.score < floor) return { ...legs, ...belowFloor(ranked.score, floor) };
  const isHierarchical = generation.chunker.kind === 'hierarchical';
  const groups = groupHits(isHierarchical ? groupByParent(kept).best : kept, request.group_by_document);
  const place = groups.findIndex(({ best, more }) => [best, ...more].some(isOwn));
  if (place < 0) {
    const other = groups.findIndex(({ best }) => best.documentId === documentId);
    return { ...legs, ...groupedAway(other) };
  }
  const end = request.offset + request.top_k;
  const fused = {
    rank: place + 1,
    score: ranked.score,
    of: groups.length,
    last_on_page: groups[Math.min(end, groups.length) - 1]?.best.score ?? null,
  };
  const stage: WhyStage = place < request.offset ? 'before_page' : place < end ? 'returned' : 'below_page';
  return { ...legs, fused, stage, reason: placeReason(stage, fused.rank, request) };
}

/** In neither leg's hits: how far down it is by exact scores, and whether the index lost it. */
async function lostInLegs(search: Search, chunks: readonly ChunkRecord[]): Promise<Findings> {
  const { ports, ref, request, filter, vector, options } = search;
  const ids = new Set(chunks.map(({ id }) => id));
  const text = request.mode === 'vector' ? null : request.query;
  const scores = await ports.store.scoreChunks(
    ref,
    {
      chunkIds: [...ids],
      ...(vector === null ? {} : { vector }),
      ...(text === null ? {} : { text }),
    },
    options,
  );
  const best = (leg: 'vector' | 'keyword'): number | null => {
    const values = [...scores.values()].flatMap((score) => score[leg] ?? []);
    return values.length === 0 ? null : Math.max(...values);
  };
  const [near, worded] = await Promise.all([
    vector === null
      ? null
      : ports.store
          .vectorLeg(ref, { vector, k: DEPTH, filter, exact: true }, options)
          .then(({ hits }) => hits),
    text === null ? null : ports.store.keywordLeg(ref, { text, k: DEPTH, filter }, options),
  ]);
  const rankIn = (hits: readonly { readonly chunkId: string }[] | null): number | null => {
    const place = hits?.findIndex(({ chunkId }) => ids.has(chunkId)) ?? -1;
    return place < 0 ? null : place + 1;
  };
  const common = { candidates: request.candidates, depth: DEPTH };
  const vectorLeg = near === null ? null : { rank: rankIn(near), score: best('vector'), ...common };
  const keywordLeg = worded === null ? null : { rank: rankIn(worded), score: best('keyword'), ...common };
  const nearest = [...scores].toSorted(
    ([, a], [, b]) => (b.vector ?? b.keyword ?? 0) - (a.vector ?? a.keyword ?? 0),
  )[0];
  const chunk = passageOf(chunks.find(({ id }) => id === nearest?.[0]));
  const legs = { chunk, vector: vectorLeg, keyword: keywordLeg };
  const place = vectorLeg?.rank ?? Infinity;
  if (place <= request.candidates) {
    return {
      ...legs,
      stage: 'ann_miss',
      reason: `The approximate index missed it: by exact search it is number ${String(place)} of the vector leg, which contributes ${String(request.candidates)}. Raise ef_search, or ask with exact`,
    };
  }
  return { ...legs, stage: 'below_candidates', reason: belowCandidates(legs, request) };
}

async function vectorOf(
  ports: WhyPorts,
  collection: Collection,
  generation: Generation,
  request: QueryRequest,
  options: CallOptions,
): Promise<Float32Array> {
  if (request.vector !== undefined) return Float32Array.from(request.vector);
  const embedder = await ports.openEmbedder(generation.embedder);
  assertSamePin(collection.name, generation.pin, embedder.pin);
  return embedQuestion(embedder, request.query, options);
}

function legsOf(
  candidate: ScoredCandidate | undefined,
  { candidates }: QueryRequest,
): Pick<WhyAnswer, 'vector' | 'keyword'> {
  const leg = (of: 'vector' | 'keyword'): WhyAnswer['vector'] => {
    const part = candidate?.explain[of] ?? null;
    return part === null ? null : { rank: part.rank, score: part.score, candidates, depth: candidates };
  };
  return { vector: leg('vector'), keyword: leg('keyword') };
}

function passageOf(chunk: ChunkRecord | undefined): WhyAnswer['chunk'] {
  return chunk === undefined
    ? null
    : { chunk_id: chunk.id, ordinal: chunk.ordinal, heading_path: [...chunk.headingPath] };
}

function listOf(
  value: ReturnType<typeof explainFilter>[number]['value'],
): WhyAnswer['filter'][number]['value'] {
  return typeof value === 'object' && value !== null ? [...value] : value;
}

function describePredicate(predicate: ReturnType<typeof explainFilter>[number]): string {
  const { field, operator, operand, value, negated } = predicate;
  if (field === null) return 'the filter matches nothing';
  const has = value === null ? 'has no such field' : `has ${JSON.stringify(value)}`;
  return `${negated ? 'not ' : ''}{"${field}": {"${operator}": ${JSON.stringify(operand)}}}, but the document ${has}`;
}

function notIngested(): Findings {
  return {
    stage: 'not_ingested',
    reason:
      'The collection has no document of this id. Look at the ids with "plumbline documents list", and at what the ingest said of it',
  };
}

function noText(): Findings {
  return { stage: 'no_text', reason: 'The document is there, but there is no text in it to be found by' };
}

function notBuilt({ id, state }: Generation): Findings {
  return {
    stage: 'not_built',
    reason: `The document has no chunks in generation ${String(id)} (${state}): it was written after that generation was built. Build it on, or ask the active one`,
  };
}

function filteredOut(predicates: readonly string[]): Findings {
  return { stage: 'filtered_out', reason: `The filter leaves it out: ${predicates.join('; and ')}` };
}

function rerankedAway({ rerank }: QueryRequest): Findings {
  return {
    stage: 'reranked_away',
    reason: `It is among the candidates, but not among those that the reranker was given or gave back (candidates ${String(rerank?.candidates)}, top_k ${String(rerank?.top_k ?? rerank?.candidates)}). Raise them`,
  };
}

function belowFloor(score: number, floor: number): Findings {
  return {
    stage: 'below_min_score',
    reason: `Its score is ${score.toFixed(4)} and min_score is ${String(floor)}. Lower min_score`,
  };
}

function groupedAway(other: number): Findings {
  return {
    stage: 'grouped_away',
    reason:
      other < 0
        ? 'Another passage stands for it'
        : `Another passage of the same document stands for it, at place ${String(other + 1)}. Ask with group_by_document "merge" or "none" to see this one`,
  };
}

function belowCandidates(
  { vector, keyword }: Pick<WhyAnswer, 'vector' | 'keyword'>,
  { candidates }: QueryRequest,
): string {
  const part = (name: string, leg: WhyAnswer['vector']): string[] => {
    if (leg === null) return [];
    if (name === 'keyword' && leg.score === 0) return ['none of its words is in the question'];
    const place = leg.rank === null ? `below number ${String(leg.depth)}` : `number ${String(leg.rank)}`;
    return [`${place} of the ${name} leg (score ${leg.score?.toFixed(4) ?? 'unknown'})`];
  };
  const parts = [...part('vector', vector), ...part('keyword', keyword)];
  return `No leg brought it: it is ${parts.join(', and ')}, and each leg contributes ${String(candidates)} candidates. Raise candidates, or look at how the question and the passage differ`;
}

function placeReason(stage: WhyStage, rank: number, request: QueryRequest): string {
  const page = `offset ${String(request.offset)}, top_k ${String(request.top_k)}`;
  switch (stage) {
    case 'returned':
      return `It is returned, at place ${String(rank)}`;
    case 'before_page':
      return `It is number ${String(rank)}, on a page before this one (${page})`;
    default:
      return `It is number ${String(rank)}, behind this page (${page}). Raise top_k, or see explain for what its score is made of`;
  }
}

function noSuchChunk(all: readonly ChunkRecord[]): RetrievalError {
  return new RetrievalError('invalid_request', 'The document has no chunk of this id in this generation', {
    field: 'chunk_id',
    details: { known: all.slice(0, 50).map(({ id }) => id) },
  });
}

function changed(): RetrievalError {
  return new RetrievalError('overloaded', 'The collection changed under the question; ask again');
}
