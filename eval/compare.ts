/** Compares two measurements of the same queries, with paired significance. */
import { atOnce, type Steps } from '../src/chunking/steps.js';
import { RetrievalError } from '../src/errors.js';
import { METRICS, type Metric } from './measures.js';
import type { EvalRecord } from './record.js';
import { bootstrapping, mean, randomising } from './statistics.js';

const SHOWN_QUERIES = 10;
/** Differences below this are rounding, not wins. */
const TIE = 1e-9;

interface MetricComparison {
  readonly a: number;
  readonly b: number;
  /** b − a. */
  readonly difference: number;
  /** 95 % bootstrap interval of the difference, over queries. */
  readonly interval: readonly [low: number, high: number];
  /** Two-sided, of the paired randomisation test. Not corrected for looking at several measures. */
  readonly p: number;
  /** Queries on which b is better, worse, or the same. */
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
}

interface QueryChange {
  readonly id: string;
  readonly a: number;
  readonly b: number;
  readonly difference: number;
}

export interface Comparison {
  readonly data_set: string;
  readonly split: string;
  readonly queries: number;
  readonly metrics: Readonly<Record<Metric, MetricComparison>>;
  /** By nDCG@10, largest change first. */
  readonly gains: readonly QueryChange[];
  readonly losses: readonly QueryChange[];
  /** What was set differently, by path, as JSON. */
  readonly settings: readonly { readonly name: string; readonly a: string; readonly b: string }[];
}

/**
 * @throws RetrievalError `invalid_request` when the two are not measurements of the same queries on
 * the same documents by the same rules.
 */
export function compareRecords(a: EvalRecord, b: EvalRecord): Comparison {
  return atOnce(comparing(a, b));
}

/** The same, with places to stop at. */
export function* comparing(a: EvalRecord, b: EvalRecord): Steps<Comparison> {
  assertComparable(a, b);
  const ofB = new Map(b.per_query.map((query) => [query.id, query.metrics]));
  const pairs = a.per_query.map(({ id, metrics }) => {
    const other = ofB.get(id);
    if (other === undefined) throw incomparable('they list different queries');
    return { id, a: metrics, b: other };
  });

  const compareMetric = function* (metric: Metric): Steps<MetricComparison> {
    const differences = pairs.map((pair) => snap(pair.b[metric] - pair.a[metric]));
    const wins = differences.filter((difference) => difference > 0).length;
    const losses = differences.filter((difference) => difference < 0).length;
    return {
      a: a.metrics[metric],
      b: b.metrics[metric],
      difference: mean(differences),
      interval: yield* bootstrapping(differences),
      p: yield* randomising(differences),
      wins,
      losses,
      ties: differences.length - wins - losses,
    };
  };
  const metrics: [Metric, MetricComparison][] = [];
  for (const metric of METRICS) metrics.push([metric, yield* compareMetric(metric)]);
  const changes = pairs
    .map((pair) => ({ id: pair.id, a: pair.a['ndcg@10'], b: pair.b['ndcg@10'] }))
    .map((pair) => ({ ...pair, difference: snap(pair.b - pair.a) }))
    .sort((x, y) => y.difference - x.difference);

  return {
    data_set: a.data_set.name,
    split: a.data_set.split,
    queries: pairs.length,
    metrics: Object.fromEntries(metrics) as Comparison['metrics'],
    gains: changes.filter((change) => change.difference > 0).slice(0, SHOWN_QUERIES),
    losses: changes
      .filter((change) => change.difference < 0)
      .reverse()
      .slice(0, SHOWN_QUERIES),
    settings: differingSettings(a, b),
  };
}

function snap(difference: number): number {
  return Math.abs(difference) < TIE ? 0 : difference;
}

/** @throws RetrievalError `invalid_request` unless both measured the same questions by the same rules. */
export function assertComparable(a: EvalRecord, b: EvalRecord): void {
  if (a.data_set.split !== b.data_set.split) {
    throw incomparable(`one is of split "${a.data_set.split}", the other of "${b.data_set.split}"`);
  }
  if (a.data_set.hash !== b.data_set.hash) {
    throw incomparable(
      `the judged queries of "${a.data_set.name}" and "${b.data_set.name}" are not the same (their hashes differ)`,
    );
  }
  const [corpusA, corpusB] = [a.data_set.corpus_hash, b.data_set.corpus_hash];
  if (corpusA !== null && corpusB !== null && corpusA !== corpusB) {
    throw incomparable('their corpora are not the same (their hashes differ)');
  }
  for (const rule of ['depth', 'ignore_identical_ids'] as const) {
    if (a.settings[rule] !== b.settings[rule]) throw incomparable(`${rule} was set differently`);
  }
  if (a.per_query.length !== b.per_query.length) throw incomparable('they list different queries');
}

function incomparable(why: string): RetrievalError {
  return new RetrievalError(
    'invalid_request',
    `The two evaluations cannot be compared: ${why}. Measure both with the same data set and split.`,
  );
}

function differingSettings(a: EvalRecord, b: EvalRecord): Comparison['settings'] {
  const settingsOf = (record: EvalRecord): ReadonlyMap<string, string> =>
    new Map(
      flatten('', {
        ...record.settings,
        model_version: record.model_version,
        store: record.store,
        version: record.version,
        commit:
          record.commit === null ? null : `${record.commit.hash}${record.commit.dirty ? ' (dirty)' : ''}`,
      }),
    );
  const [ofA, ofB] = [settingsOf(a), settingsOf(b)];
  return [...new Set([...ofA.keys(), ...ofB.keys()])]
    .map((name) => ({ name, a: ofA.get(name) ?? 'absent', b: ofB.get(name) ?? 'absent' }))
    .filter((setting) => setting.a !== setting.b);
}

function flatten(prefix: string, value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null) return [[prefix, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(prefix === '' ? key : `${prefix}.${key}`, inner),
  );
}
