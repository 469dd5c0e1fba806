/**
 * Answers a query: pin check → embedding → legs → complete scores → fusion → recency → groups →
 * hits. Pure but for its ports.
 */
import type { Collection, Generation } from '../model.js';
import { RetrievalError } from '../errors.js';
import type { Embedder } from '../embedders/port.js';
import { assertSamePin, modelVersion } from '../pin.js';
import type { CallOptions, ChunkRecord, GenerationRef, VectorStore } from '../stores/port.js';
import { parseFilter } from './filter/parse.js';
import { VANISHED, findCandidates } from './candidates.js';
import type { Candidates } from './candidates.js';
import { fuse, single, theoreticalMinimum } from './fusion.js';
import type { Candidate, FusedCandidate } from './fusion.js';
import { buildHits } from './hits.js';
import { embedQuestion } from './question.js';
import { recencyPart } from './recency.js';
import { compareScored, groupHits, scoreOf } from './score.js';
import type { ScoredCandidate } from './score.js';
import type { QueryAnswer, QueryRequest } from './schema.js';

export interface RetrievalPorts {
  readonly store: VectorStore;
  /** The collection as it is now: a stale pin would let two models mix. */
  getCollection(name: string, options: CallOptions): Promise<Collection>;
  /** An embedder by its id; the same one each time. */
  openEmbedder(name: string): Promise<Embedder>;
  /** Epoch milliseconds. */
  now(): number;
}

/** How often a query is asked again because a document changed under it. */
const MAX_ATTEMPTS = 4;

/** Makes the `retrieve` that the CLI, the API and the eval harness share. */
export function createRetrieve(
  ports: RetrievalPorts,
): (collection: string, request: QueryRequest, options?: CallOptions) => Promise<QueryAnswer> {
  // Which embedder a collection had last time: lets the question be embedded while the collection
  // is looked up. Only a guess about speed; the pin is checked against the fresh collection.
  const lastEmbedder = new Map<string, string>();

  return async (name, request, options = {}) => {
    const began = performance.now();
    assertPageInCandidates(request);
    const guess = request.mode === 'keyword' ? undefined : lastEmbedder.get(name);
    const guessed = guess === undefined ? null : startEmbedding(ports, guess, request.query, options);
    const collection = await ports.getCollection(name, options);
    const { generation } = collection;
    assertExpectedModel(collection, request.model_version);

    const filter = parseFilter(request.filter ?? {}, collection.fields);
    assertRecencyField(collection, request);
    let embedded = performance.now();
    const embed = async (): Promise<Float32Array> => {
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
      const found = await findCandidates(
        ports.store,
        ref,
        {
          vector,
          text: request.mode === 'vector' ? null : request.query,
          filter,
          perLeg: request.candidates,
          efSearch: request.ef_search,
          exact: request.exact,
        },
        options,
      );
      if (found === VANISHED) continue;
      const page = await rank(ports.store, ref, generation, request, found, now, options);
      if (page === VANISHED) continue;
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
        took_ms: {
          embed: embedded - began,
          legs: found.legsMs,
          complete: found.completeMs,
          total: performance.now() - began,
        },
      };
    }
    throw new RetrievalError(
      'overloaded',
      'The collection changed under the query several times in a row; try again in a moment',
    );
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

async function rank(
  store: VectorStore,
  ref: GenerationRef,
  generation: Generation,
  request: QueryRequest,
  found: Candidates,
  now: number,
  options: CallOptions,
): Promise<{ readonly hits: QueryAnswer['hits']; readonly total: number } | typeof VANISHED> {
  const fused = relevances(found.candidates, generation, request);
  const known =
    request.recency === undefined
      ? new Map<string, ChunkRecord>()
      : await store.getChunks(
          ref,
          found.candidates.map((candidate) => candidate.chunkId),
          options,
        );
  const scored: ScoredCandidate[] = [];
  for (const { candidate, relevance } of fused) {
    const record = known.get(candidate.chunkId);
    if (request.recency !== undefined && record === undefined) return VANISHED;
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
    if (request.min_score !== undefined && score < request.min_score) continue;
    scored.push({ chunkId: candidate.chunkId, documentId: candidate.documentId, score, explain });
  }
  const groups = groupHits(scored.sort(compareScored), request.group_by_document);
  const page = groups.slice(request.offset, request.offset + request.top_k);
  const hits = await buildHits(store, ref, page, known, request, options);
  return hits === VANISHED ? VANISHED : { hits, total: groups.length };
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

function assertPageInCandidates(request: QueryRequest): void {
  if (request.offset + request.top_k <= request.candidates) return;
  throw new RetrievalError(
    'invalid_request',
    `offset + top_k is ${String(request.offset + request.top_k)} but only ${String(request.candidates)} candidates are ranked; raise candidates and keep it the same for every page`,
    { field: 'candidates' },
  );
}

function assertExpectedModel(collection: Collection, expected: string | undefined): void {
  const actual = modelVersion(collection.generation.pin);
  if (expected === undefined || expected === actual) return;
  throw new RetrievalError(
    'model_mismatch',
    `Collection "${collection.name}" is pinned to ${actual} but the query expects ${expected}. Send model_version "${actual}", or query a collection of the other model.`,
    {
      field: 'model_version',
      details: {
        collection: collection.name,
        pinned: { model_version: actual, pin: collection.generation.pin },
        given: { model_version: expected },
      },
    },
  );
}

function assertRecencyField(collection: Collection, request: QueryRequest): void {
  if (request.recency === undefined) return;
  const { field } = request.recency;
  const type = collection.fields[field];
  if (type === 'date') return;
  const dates = Object.keys(collection.fields).filter((name) => collection.fields[name] === 'date');
  throw new RetrievalError(
    type === undefined ? 'unknown_field' : 'invalid_request',
    `Recency needs a date field; "${field}" is ${type === undefined ? 'not a field of the collection' : `a ${type}`}. Date fields: ${dates.join(', ') || 'none'}`,
    { field: 'recency.field', details: { known: dates } },
  );
}
