/** From rankings to the measured part of a record. */
import type { Steps } from '../src/chunking/steps.js';
import type { DataSet } from './dataset.js';
import { countRelevant, gainsOf, meanMeasures, measureQuery, METRICS, recall } from './measures.js';
import type { Judgements } from './qrels.js';
import { STAGES, type EvalRecord, type QueryRecord, type QueryTimes } from './record.js';
import { bootstrappingAll, mean, quantile } from './statistics.js';
import type { ScoredDocument } from './trec.js';

const SHOWN_HITS = 10;
const SCORE_BINS = 40;
const NONE: Judgements = new Map();

/** What became of one query. */
export interface Outcome {
  /** In trec_eval's order, at most the depth. */
  readonly ranked: readonly ScoredDocument[];
  /** Document id → title, of those that have one. */
  readonly titles?: ReadonlyMap<string, string>;
  readonly took: QueryTimes | null;
  readonly failed: string | null;
}

type Summary = Pick<
  EvalRecord,
  'metrics' | 'intervals' | 'latency_ms' | 'underfilled' | 'recall_curve' | 'scores' | 'per_query'
>;

/** Measures over every judged query, asked or not; with places to stop at. */
export function* summarise(
  dataSet: DataSet,
  outcomes: ReadonlyMap<string, Outcome>,
  {
    depth,
    documents,
    texts,
  }: { readonly depth: number; readonly documents: number; readonly texts: boolean },
): Steps<Summary> {
  const perQuery = [...dataSet.qrels].map(([id, judgements]) =>
    queryRecord(id, texts ? (dataSet.queries.get(id) ?? null) : null, judgements, outcomes.get(id)),
  );
  const times = perQuery.flatMap((query) => (query.took_ms === null ? [] : [query.took_ms]));
  const intervals: Partial<Summary['intervals']> = {};
  const found = yield* bootstrappingAll(
    METRICS.map((metric) => perQuery.map((query) => query.metrics[metric])),
  );
  for (const [at, metric] of METRICS.entries()) intervals[metric] = [...(found[at] ?? [0, 0])];
  return {
    metrics: meanMeasures(perQuery.map((query) => query.metrics)),
    intervals: intervals as Summary['intervals'],
    latency_ms: byKey(STAGES, (stage) => percentiles(times, stage)),
    underfilled: perQuery.filter(
      (query) => query.failed === undefined && query.retrieved < Math.min(depth, documents - 1),
    ).length,
    recall_curve: recallCurve(dataSet, outcomes, depth),
    scores: scoreHistogram(dataSet, outcomes),
    per_query: perQuery,
  };
}

/** A question may be a whole document: its beginning tells which one it is. */
const SHOWN_CHARACTERS = 300;

function queryRecord(
  id: string,
  /** Null: no text is kept, nor a title. */
  text: string | null,
  judgements: Judgements,
  outcome: Outcome | undefined,
): QueryRecord {
  const ranked = outcome?.ranked ?? [];
  const failed = outcome === undefined ? 'not in queries.jsonl' : outcome.failed;
  return {
    id,
    ...(text === null ? {} : { text: cut(text) }),
    metrics: measureQuery(ranked, judgements),
    relevant: countRelevant(judgements),
    retrieved: ranked.length,
    took_ms: outcome?.took ?? null,
    hits: ranked.slice(0, SHOWN_HITS).map((hit) => {
      const title = text === null ? undefined : outcome?.titles?.get(hit.id);
      return {
        ...hit,
        relevance: judgements.get(hit.id) ?? null,
        ...(title === undefined ? {} : { title: cut(title) }),
      };
    }),
    ...(failed === null ? {} : { failed }),
  };
}

function cut(text: string): string {
  const characters = Array.from(text.slice(0, 2 * SHOWN_CHARACTERS + 1));
  if (characters.length <= SHOWN_CHARACTERS) return text;
  return `${characters.slice(0, SHOWN_CHARACTERS).join('').toWellFormed()} …`;
}

function percentiles(times: readonly QueryTimes[], stage: keyof QueryTimes): { p50: number; p95: number } {
  const values = times.map((time) => time[stage]);
  return { p50: quantile(values, 0.5), p95: quantile(values, 0.95) };
}

function recallCurve(dataSet: DataSet, outcomes: ReadonlyMap<string, Outcome>, depth: number): number[] {
  const queries = [...dataSet.qrels].map(([id, judgements]) => ({
    gains: gainsOf(outcomes.get(id)?.ranked ?? [], judgements),
    relevant: countRelevant(judgements),
  }));
  return Array.from({ length: depth }, (_, at) =>
    mean(queries.map(({ gains, relevant }) => recall(gains, relevant, at + 1))),
  );
}

function scoreHistogram(dataSet: DataSet, outcomes: ReadonlyMap<string, Outcome>): EvalRecord['scores'] {
  const scored = [...outcomes].flatMap(([id, { ranked }]) => {
    const judgements = dataSet.qrels.get(id) ?? NONE;
    return ranked.map((hit) => ({ score: hit.score, relevant: (judgements.get(hit.id) ?? 0) > 0 }));
  });
  if (scored.length === 0) return { edges: [], relevant: [], other: [] };
  // Not Math.min(...scores): a hundred thousand arguments overflow the stack.
  const low = scored.reduce((least, { score }) => Math.min(least, score), Infinity);
  const high = scored.reduce((most, { score }) => Math.max(most, score), -Infinity);
  const width = high > low ? (high - low) / SCORE_BINS : 1;
  const bins = (relevant: boolean): number[] => {
    const counts = Array.from({ length: SCORE_BINS }, () => 0);
    for (const hit of scored) {
      if (hit.relevant !== relevant) continue;
      const bin = Math.min(SCORE_BINS - 1, Math.floor((hit.score - low) / width));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts;
  };
  return {
    edges: Array.from({ length: SCORE_BINS + 1 }, (_, at) => low + at * width),
    relevant: bins(true),
    other: bins(false),
  };
}

/** An object with one value per key; the keys are the literal list's, so none is missing. */
function byKey<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;
}
