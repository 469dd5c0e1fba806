/**
 * Whether questions still find what is as near as it was: the scores of the nearest passages,
 * compared with those of the generation's first queries by the population stability index.
 */
import { z } from 'zod';
import type { RecordStore } from '../stores/generations-port.js';

/** Bins between the deciles of a generation's first scores. */
export interface ScoreBaseline {
  readonly generation: number;
  /** Upper ends of all bins but the last, ascending. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export interface DriftOptions {
  /** Keeps baselines over a restart; absent where the store keeps no records. */
  readonly records?: Pick<RecordStore, 'append' | 'list'>;
  readonly signal: AbortSignal;
  /** Scores a baseline is made of. */
  readonly baselineSize?: number;
  /** Latest scores that are compared with it. */
  readonly windowSize?: number;
}

export interface ScoreDrift {
  seen(collection: string, generation: number, score: number): void;
  /** The index by collection, of those with enough scores. */
  values(): ReadonlyMap<string, number>;
  forget(collection: string): void;
  /** Settles when nothing is being read or written. */
  idle(): Promise<void>;
}

const KIND = 'score_baseline';
const BINS = 10;
const BASELINE_SIZE = 300;
const WINDOW_SIZE = 300;
/** With fewer scores in the window chance alone looks like drift. */
const LEAST_IN_WINDOW = 100;
/** Baselines of that many generations are looked through. */
const MAX_RECORDS = 100;

const baselineSchema = z
  .object({
    generation: z.number().int(),
    edges: z.array(z.number()),
    counts: z.array(z.number().nonnegative()),
  })
  .refine(({ edges, counts }) => counts.length === edges.length + 1);

interface Watched {
  readonly generation: number;
  baseline: ScoreBaseline | null;
  /** Nothing is made of the first scores before it is known that no baseline is stored. */
  looked: boolean;
  readonly first: number[];
  readonly window: number[];
}

export function createScoreDrift(options: DriftOptions): ScoreDrift {
  const { records, signal } = options;
  const baselineSize = options.baselineSize ?? BASELINE_SIZE;
  const windowSize = options.windowSize ?? WINDOW_SIZE;
  const watched = new Map<string, Watched>();
  const busy = new Set<Promise<void>>();

  const begin = (work: Promise<void>): void => {
    // Without its baseline stored, the next process makes another.
    const settled = work.catch(() => undefined).finally(() => busy.delete(settled));
    busy.add(settled);
  };
  const look = async (collection: string, entry: Watched): Promise<void> => {
    try {
      const found =
        (await records?.list(collection, { kinds: [KIND], limit: MAX_RECORDS }, { signal })) ?? [];
      const baselines = found.flatMap(({ value }) => baselineSchema.safeParse(value).data ?? []);
      // The oldest counts, should two processes have written one each.
      entry.baseline = baselines.findLast(({ generation }) => generation === entry.generation) ?? null;
    } finally {
      entry.looked = true;
    }
  };
  const settle = async (collection: string, entry: Watched): Promise<void> => {
    const baseline = baselineOf(entry.generation, entry.first);
    entry.baseline = baseline;
    entry.first.length = 0;
    await records?.append(collection, KIND, { ...baseline }, { signal });
  };

  return {
    seen(collection, generation, score) {
      let entry = watched.get(collection);
      if (entry?.generation !== generation) {
        entry = { generation, baseline: null, looked: records === undefined, first: [], window: [] };
        watched.set(collection, entry);
        if (!entry.looked) begin(look(collection, entry));
      }
      if (entry.baseline !== null) {
        entry.window.push(score);
        if (entry.window.length > windowSize) entry.window.shift();
        return;
      }
      if (entry.first.length < baselineSize) entry.first.push(score);
      if (entry.looked && entry.first.length >= baselineSize) begin(settle(collection, entry));
    },
    values() {
      const values = new Map<string, number>();
      for (const [collection, { baseline, window }] of watched) {
        if (baseline === null || window.length < Math.min(LEAST_IN_WINDOW, windowSize)) continue;
        values.set(collection, stabilityIndex(baseline.counts, countsOf(baseline.edges, window)));
      }
      return values;
    },
    forget: (collection) => void watched.delete(collection),
    async idle() {
      await Promise.all(busy);
    },
  };
}

/** Bins of about as many scores each, and how many each has. */
export function baselineOf(generation: number, scores: readonly number[]): ScoreBaseline {
  const sorted = [...scores].sort((a, b) => a - b);
  const deciles = Array.from(
    { length: BINS - 1 },
    (_, index) => sorted[Math.ceil(((index + 1) * sorted.length) / BINS) - 1] ?? 0,
  );
  const edges = [...new Set(deciles)];
  return { generation, edges, counts: countsOf(edges, scores) };
}

function countsOf(edges: readonly number[], scores: readonly number[]): readonly number[] {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  for (const score of scores) {
    const at = edges.findIndex((edge) => score <= edge);
    const bin = at < 0 ? edges.length : at;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** Population stability index: 0 for equal shares; above 0.25 the distribution is another. */
export function stabilityIndex(expected: readonly number[], actual: readonly number[]): number {
  const before = smoothedShares(expected);
  const now = smoothedShares(actual);
  return now.reduce((sum, share, bin) => {
    const was = before[bin] ?? share;
    return sum + (share - was) * Math.log(share / was);
  }, 0);
}

/** Half a score more in every bin: an empty one must not make the index infinite. */
function smoothedShares(counts: readonly number[]): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0) + counts.length / 2;
  return counts.map((count) => (count + 0.5) / total);
}
