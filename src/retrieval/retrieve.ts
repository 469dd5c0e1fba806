/**
 * Answers a query: pin check → embedding → legs → complete scores → fusion → recency → rerank →
 * groups → hits. Pure but for its ports.
 */
import type { Collection, Filter, Generation } from '../model.js';
import { RetrievalError, hasCode } from '../errors.js';
import type { Embedder } from '../embedders/port.js';
import { assertSamePin, modelVersion } from '../pin.js';
import type { Reranker } from '../rerank/port.js';
import type { CallOptions, GenerationRef, VectorLegPlan, VectorStore } from '../stores/port.js';
import { parseFilter } from './filter/parse.js';
import { VANISHED, candidateQuery, findCandidates } from './candidates.js';
import type { Candidates } from './candidates.js';
import type { Candidate } from './fusion.js';
import { chooseGeneration, completenessWarnings } from './generation.js';
import { buildHits } from './hits.js';
import { assertRecencyField } from './recency.js';
import { orderCandidates, scoreCandidates } from './order.js';
import { embedQuestion } from './question.js';
import { assertPage } from './pages.js';
import { groupByParent, reachOf } from './parents.js';
import { groupHits } from './score.js';
import type { QueryAnswer, QueryRequest, Warning } from './schema.js';

export interface RetrievalPorts {
  readonly store: VectorStore;
  /** The collection as it is now: a stale pin would let two models mix. */
  getCollection(name: string, options: CallOptions): Promise<Collection>;
  /** An embedder by its id; the same one each time. */
  openEmbedder(name: string): Promise<Embedder>;
  /** For queries that ask for it. */
  readonly reranker?: Reranker;
  /** Epoch milliseconds. */
  now(): number;
  /** Told of every answer, by whoever watches their quality; must be quick. */
  readonly onAnswered?: (query: AnsweredQuery) => void;
}

/** A query that was answered, with what its vector leg did. */
export interface AnsweredQuery {
  readonly ref: GenerationRef;
  /** Whether the generation is the active one. */
  readonly isActive: boolean;
  readonly request: QueryRequest;
  readonly filter: Filter;
  /** Null: the vector leg was not asked. */
  readonly vector: Float32Array | null;
  /** Hits that the vector leg was asked for. */
  readonly depth: number;
  /** Of both legs. */
  readonly candidates: readonly Candidate[];
  readonly plan: VectorLegPlan | null;
}

/** How often a query is asked again because a document changed under it. */
const MAX_ATTEMPTS = 10;

/** Makes the `retrieve` that the CLI, the API and the eval harness share. */
export function createRetrieve(
  ports: RetrievalPorts,
): (collection: string, request: QueryRequest, options?: CallOptions) => Promise<QueryAnswer> {
  // Which embedder a collection had last time: lets the question be embedded while the collection
  // is looked up. Only a guess about speed; the pin is checked against the fresh collection.
  const lastEmbedder = new Map<string, string>();

  const answer: ReturnType<typeof createRetrieve> = async (name, request, options = {}) => {
    const began = performance.now();
    assertPage(request);
    const guess =
      request.mode === 'keyword' || request.vector !== undefined ? undefined : lastEmbedder.get(name);
    const guessed = guess === undefined ? null : startEmbedding(ports, guess, request.query, options);
    const collection = await ports.getCollection(name, options);
    const generation = await chooseGeneration(ports.store, collection, request, options);

    const filter = parseFilter(request.filter ?? {}, collection.fields);
    assertRecencyField(collection, request);
    let embedded = performance.now();
    const embed = async (): Promise<Float32Array> => {
      // Its model was compared by name; its length and numbers are the store's to check.
      if (request.vector !== undefined) return Float32Array.from(request.vector);
      const question = await (guessed !== null && guess === generation.embedder
        ? guessed
        : startEmbedding(ports, generation.embedder, request.query, options));
      assertSamePin(name, generation.pin, question.embedder.pin);
      lastEmbedder.set(name, generation.embedder);
      embedded = performance.now();
      return question.vector;
    };
    const vector = request.mode === 'keyword' ? null : embed();

    const ref: GenerationRef = { collection: name, generation: generation.id };
    const now = request.recency?.now === undefined ? ports.now() : Date.parse(request.recency.now);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const found = await findCandidates(ports.store, ref, candidateQuery(request, filter, vector), options);
      if (found === VANISHED) continue;
      const page = await rank(ports, ref, generation, request, found, now, options);
      if (page === VANISHED) continue;
      const warnings = [...completenessWarnings(collection, generation, request), ...page.warnings];
      ports.onAnswered?.({
        ref,
        isActive: generation.id === collection.generation.id,
        request,
        filter,
        vector: await vector,
        depth: request.candidates,
        candidates: found.candidates,
        plan: found.plan,
      });
      return {
        collection: name,
        generation: generation.id,
        model_version: modelVersion(generation.pin),
        mode: request.mode,
        hits: page.hits,
        total: page.total,
        ...(request.recency === undefined ? {} : { recency_now: new Date(now).toISOString() }),
        ...(request.explain
          ? {
              plan: {
                vector: found.plan?.strategy ?? null,
                matches: found.plan?.matches ?? null,
              },
            }
          : {}),
        ...(warnings.length === 0 ? {} : { warnings }),
        took_ms: {
          embed: embedded - began,
          legs: found.legsMs,
          complete: found.completeMs,
          ...(page.rerankMs === null ? {} : { rerank: page.rerankMs }),
          total: performance.now() - began,
        },
      };
    }
    throw new RetrievalError(
      'overloaded',
      'The collection changed under the query several times in a row; try again in a moment',
    );
  };

  return async (name, request, options = {}) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await answer(name, request, options);
      } catch (error) {
        if (!hasCode(error, 'collection_not_found') || attempt === MAX_ATTEMPTS) throw error;
        // Its generation may have been dropped under the query: another is active by now. Rejects
        // when it is the collection that is gone.
        await ports.getCollection(name, options);
      }
    }
  };
}

interface Question {
  readonly embedder: Embedder;
  readonly vector: Float32Array;
}

function startEmbedding(
  ports: RetrievalPorts,
  embedderName: string,
  text: string,
  options: CallOptions,
): Promise<Question> {
  const running = ports.openEmbedder(embedderName).then(async (embedder) => ({
    embedder,
    vector: await embedQuestion(embedder, text, options),
  }));
  // A guess that turns out not to be needed may fail unheard.
  running.catch(() => undefined);
  return running;
}

interface RankedPage {
  readonly hits: QueryAnswer['hits'];
  readonly total: number;
  readonly warnings: readonly Warning[];
  /** Null when nothing was reranked. */
  readonly rerankMs: number | null;
}

async function rank(
  ports: Pick<RetrievalPorts, 'store' | 'reranker'>,
  ref: GenerationRef,
  generation: Generation,
  request: QueryRequest,
  found: Candidates,
  now: number,
  options: CallOptions,
): Promise<RankedPage | typeof VANISHED> {
  const { store } = ports;
  const scored = await scoreCandidates(store, ref, generation, request, found.candidates, now, options);
  if (scored === VANISHED) return VANISHED;
  const order = await orderCandidates(ports, ref, request, scored, options);
  if (order === VANISHED) return VANISHED;
  const floor = request.min_score ?? -Infinity;
  const kept = order.candidates.filter((candidate) => candidate.score >= floor);
  const parents = generation.chunker.kind === 'hierarchical' ? groupByParent(kept) : null;
  const groups = groupHits(parents?.best ?? kept, request.group_by_document);
  const page = groups.slice(request.offset, request.offset + request.top_k);
  const hierarchy =
    parents === null ? null : { families: parents.families, reach: reachOf(generation.chunker) };
  const hits = await buildHits(store, ref, page, order.known, request, options, hierarchy);
  if (hits === VANISHED) return VANISHED;
  return { hits, total: groups.length, warnings: order.warnings, rerankMs: order.ms };
}
