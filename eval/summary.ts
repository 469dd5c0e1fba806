/** From rankings to the measured part of a record. */
import type { DataSet } from './dataset.js';
import { countRelevant, gainsOf, meanMeasures, measureQuery, METRICS, recall } from './measures.js';
import type { Judgements } from './qrels.js';
import { STAGES, type EvalRecord, type QueryRecord, type QueryTimes } from './record.js';
import { bootstrapInterval, mean, quantile } from './statistics.js';
import type { ScoredDocument } from './trec.js';

const SHOWN_HITS = 10;
const SCORE_BINS = 40;
const NONE: Judgements = new Map();

/** What became of one query. */
export interface Outcome {
  /** In trec_eval's order, at most the depth. */
  readonly ranked: readonly ScoredDocument[];
  readonly took: QueryTimes | null;
  readonly failed: string | null;
}

type Summary = Pick<
  EvalRecord,
  'metrics' | 'intervals' | 'latency_ms' | 'underfilled' | 'recall_curve' | 'scores' | 'per_query'
>;

/** Measures over every judged query, asked or not. */
export function summarise(
  dataSet: DataSet,
  outcomes: ReadonlyMap<string, Outcome>,
  { depth, documents }: { readonly depth: number; readonly documents: number },
): Summary {
  const perQuery = [...dataSet.qrels].map(([id, judgements]) =>
    queryRecord(id, judgements, outcomes.get(id)),
  );
  const times = perQuery.flatMap((query) => (query.took_ms === null ? [] : [query.took_ms]));
  return {
    metrics: meanMeasures(perQuery.map((query) => query.metrics)),
    intervals: byKey(METRICS, (metric) => [
      ...bootstrapInterval(perQuery.map((query) => query.metrics[metric])),
    ]),
    latency_ms: byKey(STAGES, (stage) => percentiles(times, stage)),
    underfilled: perQuery.filter(
      (query) => query.failed === undefined && query.retrieved < Math.min(depth, documents - 1),
    ).length,
    recall_curve: recallCurve(dataSet, outcomes, depth),
    scores: scoreHistogram(dataSet, outcomes),
    per_query: perQuery,
  };
}

function queryRecord(id: string, judgements: Judgements, outcome: Outcome | undefined): QueryRecord {
  const ranked = outcome?.ranked ?? [];
  const failed = outcome === undefined ? 'not in queries.jsonl' : outcome.failed;
  return {
    id,
    metrics: measureQuery(ranked, judgements),
    relevant: countRelevant(judgements),
    retrieved: ranked.length,
    took_ms: outcome?.took ?? null,
    hits: ranked.slice(0, SHOWN_HITS).map((hit) => ({ ...hit, relevance: judgements.get(hit.id) ?? null })),
    ...(failed === null ? {} : { failed }),
  };
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
