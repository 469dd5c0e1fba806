/** Measures a collection with a data set: ingest, ask every judged query, measure, record. */
import { inTurns } from '../src/chunking/steps.js';
import { RetrievalError, hasCode, throwIfCancelled } from '../src/errors.js';
import type { IngestProgress, IngestSummary } from '../src/ingest/types.js';
import {
  DEFAULT_RANK_CONSTANT,
  DEFAULT_VECTOR_WEIGHT,
  MAX_CANDIDATES,
  queryRequestSchema,
  type QueryAnswer,
  type QueryInput,
} from '../src/retrieval/schema.js';
import type { Runtime } from '../src/runtime-types.js';
import { prepareCollection, type Prepared, type Target } from './collection.js';
import type { DataSet } from './dataset.js';
import { judgedItems } from './passages.js';
import { readProvenance } from './provenance.js';
import { RECORD_FORMAT, type EvalRecord } from './record.js';
import { summarise, type Outcome } from './summary.js';
import { rankAsTrecEval, type ScoredDocument } from './trec.js';

/** Documents kept per query, as in the published tables: recall@100 needs them all. */
const DEPTH = 100;
/** Connections are open and the model has run once after these; more would be a share of a short evaluation's time. */
const WARM_UP = 10;
/** Candidates for each place of the ranking, so that chunks of one document do not crowd it. */
const CANDIDATES_PER_PLACE = 1.5;

export interface EvaluateOptions {
  readonly target: Target;
  /** The collection, made ready before: by an earlier evaluation of the same target. */
  readonly prepared?: Prepared;
  /** Everything of a request that may vary; `candidates` is by default enough to fill the depth. */
  readonly query?: Pick<QueryInput, 'mode' | 'fusion' | 'candidates' | 'ef_search' | 'exact' | 'rerank'>;
  /**
   * Leave out a hit whose id is the query's own: where queries are documents of the corpus, each
   * would find itself first. On by default for data sets in BEIR's form, as there; off for questions
   * of one's own, whose names have nothing to do with documents.
   */
  readonly ignoreIdenticalIds?: boolean;
  /** Keep questions and titles in the record, for a report. Off by default: both may be private. */
  readonly texts?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvalProgress) => void;
}

export type EvalProgress =
  | { readonly stage: 'ingest'; readonly ingest: IngestProgress }
  | { readonly stage: 'queries'; readonly done: number; readonly total: number };

export interface Evaluation {
  readonly record: EvalRecord;
  /** Every ranking, for a run file. */
  readonly run: ReadonlyMap<string, readonly ScoredDocument[]>;
  readonly prepared: Prepared;
}

/**
 * Ingests where needed, then asks every judged query of the split, one at a time so that a latency
 * is a query's own, after a warm-up that is not timed. A query the service refuses as invalid (a
 * blank one) is recorded as failed and counts 0; any other error ends the evaluation.
 */
export async function evaluate(
  runtime: Runtime,
  dataSet: DataSet,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { signal, onProgress } = options;
  const startedAt = new Date();
  const prepared =
    options.prepared ??
    (await prepareCollection(runtime, dataSet, options.target, {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined
        ? {}
        : {
            onProgress: (ingest) => {
              onProgress({ stage: 'ingest', ingest });
            },
          }),
    }));
  const plan = planQueries(prepared, dataSet, options);
  const ask = createAsker(runtime, prepared, dataSet, plan, options);

  const provenance = readProvenance();
  const queries = [...dataSet.queries];
  for (const [id, text] of queries.slice(0, WARM_UP)) await ask(id, text);
  const queriesStarted = performance.now();
  const outcomes = new Map<string, Outcome>();
  for (const [id, text] of queries) {
    outcomes.set(id, await ask(id, text));
    onProgress?.({ stage: 'queries', done: outcomes.size, total: queries.length });
  }
  const queriesElapsed = performance.now() - queriesStarted;

  const { subject, ingest } = prepared;
  const { version, commit } = await provenance;
  const summary = await inTurns(
    summarise(dataSet, outcomes, {
      depth: DEPTH,
      documents: subject.counts.documents,
      texts: options.texts ?? false,
    }),
    signal,
    0,
  );
  const record: EvalRecord = {
    format: RECORD_FORMAT,
    started_at: startedAt.toISOString(),
    finished_at: new Date().toISOString(),
    data_set: {
      name: dataSet.name,
      split: dataSet.split,
      hash: dataSet.hash,
      corpus_hash: options.target.kind === 'own' ? (dataSet.corpus?.hash ?? null) : null,
      queries: dataSet.qrels.size,
      judgements: dataSet.judgements,
      documents: dataSet.corpus?.documents ?? null,
      warnings: [...dataSet.warnings],
    },
    ...summary,
    settings: {
      collection: subject.name,
      embedder: subject.embedder,
      language: subject.language,
      metric: subject.metric,
      index: { ...subject.index },
      chunker: { ...subject.chunker },
      mode: plan.mode,
      query: plan.settings,
      depth: DEPTH,
      ignore_identical_ids: plan.ignoreIdenticalIds,
      warm_up: Math.min(WARM_UP, queries.length),
    },
    model_version: subject.modelVersion,
    pin: { ...subject.pin },
    generation: subject.generation,
    store: subject.store,
    collection: subject.counts,
    ingest: ingest === null ? null : ingestRecord(ingest),
    queries_elapsed_ms: queriesElapsed,
    version,
    commit,
  };
  return { record, run: new Map([...outcomes].map(([id, { ranked }]) => [id, ranked])), prepared };
}

interface QueryPlan {
  readonly mode: EvalRecord['settings']['mode'];
  readonly request: Omit<QueryInput, 'query'>;
  /** The whole request with its defaults, for the record. */
  readonly settings: EvalRecord['settings']['query'];
  readonly ignoreIdenticalIds: boolean;
}

/** @throws RetrievalError `invalid_request` when the settings cannot be asked for. */
function planQueries(prepared: Prepared, dataSet: DataSet, options: EvaluateOptions): QueryPlan {
  const ignoreIdenticalIds = options.ignoreIdenticalIds ?? dataSet.passages === undefined;
  // One more, in case the query's own document takes a place.
  const topK = DEPTH + (ignoreIdenticalIds ? 1 : 0);
  const { documents, chunks } = prepared.subject.counts;
  const perDocument = documents === 0 ? 1 : chunks / documents;
  const enough = Math.ceil(topK * Math.max(2, perDocument) * CANDIDATES_PER_PLACE);
  const candidates = Math.max(topK, options.query?.candidates ?? Math.min(MAX_CANDIDATES, enough));
  const rerank = options.query?.rerank;
  const request = {
    ...options.query,
    fusion: completeFusion(options.query?.fusion),
    // Unless it says so: a query that fell back to the fused order would be measured as reranked.
    ...(rerank === undefined
      ? {}
      : { rerank: { on_failure: 'fail' as const, ...rerank, candidates: rerank.candidates ?? candidates } }),
    top_k: topK,
    candidates,
    group_by_document: 'best',
  } as const;
  const parsed = queryRequestSchema.safeParse({ ...request, query: 'any' });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join('.') ?? '';
    throw new RetrievalError('invalid_request', `${field}: ${issue?.message ?? 'is not valid'}`, { field });
  }
  const { query: _query, ...rest } = parsed.data;
  const settings = JSON.parse(JSON.stringify(rest)) as EvalRecord['settings']['query'];
  return { mode: parsed.data.mode, request, settings, ignoreIdenticalIds };
}

/** The fusion with its defaults spelled out, so that the record says what was used. */
function completeFusion(fusion: QueryInput['fusion']): NonNullable<QueryInput['fusion']> {
  const method = fusion?.method ?? 'tm2c2';
  return method === 'rrf'
    ? { rank_constant: DEFAULT_RANK_CONSTANT, ...fusion, method }
    : { vector_weight: DEFAULT_VECTOR_WEIGHT[method], ...fusion, method };
}

function createAsker(
  runtime: Runtime,
  { subject }: Prepared,
  dataSet: DataSet,
  plan: QueryPlan,
  { signal, target }: EvaluateOptions,
): (id: string, text: string) => Promise<Outcome> {
  const call = signal === undefined ? {} : { signal };
  const asked =
    target.kind === 'existing' && target.generation !== undefined ? { generation: target.generation } : {};
  return async (id, text) => {
    throwIfCancelled(signal);
    const expected = dataSet.passages?.get(id);
    // Passages are ranked as they are found; documents by their best one.
    const grouping = expected === undefined ? {} : { group_by_document: 'none' };
    const parsed = queryRequestSchema.safeParse({ ...plan.request, ...grouping, ...asked, query: text });
    if (!parsed.success) return refused('invalid_request');
    const began = performance.now();
    let answer: QueryAnswer;
    try {
      answer = await runtime.retrieve(subject.name, parsed.data, call);
    } catch (error) {
      if (hasCode(error, 'invalid_request')) return refused(error.code);
      throw error;
    }
    const wall = performance.now() - began;
    if (answer.generation !== subject.generation) {
      throw new RetrievalError(
        'invalid_request',
        `Collection "${subject.name}" switched from generation ${String(subject.generation)} to ${String(answer.generation)} while it was measured; measure again`,
      );
    }
    const hits = answer.hits.filter((hit) => !plan.ignoreIdenticalIds || hit.document_id !== id);
    const documents =
      expected === undefined
        ? hits.map((hit) => ({ id: hit.document_id, score: hit.score }))
        : judgedItems(hits, expected);
    return {
      ranked: rankAsTrecEval(documents).slice(0, DEPTH),
      titles: new Map(
        hits.flatMap((hit) => (hit.title === null ? [] : [[hit.document_id, hit.title] as const])),
      ),
      took: { ...answer.took_ms, wall },
      failed: null,
    };
  };
}

function refused(code: string): Outcome {
  return { ranked: [], took: null, failed: code };
}

function ingestRecord(summary: IngestSummary): NonNullable<EvalRecord['ingest']> {
  const { added, changed, unchanged, removed, chunks, embedded } = summary;
  return {
    added,
    changed,
    unchanged,
    removed,
    failed: summary.failed.map(({ name, code }) => ({ name, code })),
    chunks,
    embedded,
    elapsed_ms: summary.elapsedMs,
  };
}
