/** Quantiles, the paired randomisation test and bootstrap intervals; all deterministic. */
import { atOnce, type Steps } from '../src/chunking/steps.js';

/** The seed of every resampling, so that the same records always give the same p. */
const SEED = 20_210_914;
const PERMUTATIONS = 100_000;
const RESAMPLES = 10_000;
/** With so few differences that are not zero, all 2^n sign patterns are tried. */
const EXACT_UP_TO = 16;

/** Draws between two places to stop at: a few milliseconds. */
const DRAWS_AT_ONCE = 200_000;

function roundsOf({ length }: ArrayLike<number>): number {
  return Math.max(1, Math.floor(DRAWS_AT_ONCE / Math.max(1, length)));
}

type Interval = readonly [low: number, high: number];

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Quantile q in [0, 1] of values in any order, linear between neighbours; 0 when there is none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sortedQuantile(sorted, q);
}

function sortedQuantile(sorted: ArrayLike<number>, q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Two-sided p of Fisher's paired randomisation test on the mean difference (Smucker, Allan and
 * Carterette, CIKM 2007): how often a random swap of the two systems, query by query, makes a mean
 * difference at least as large as the one seen. Exact with up to 16 differences that are not
 * zero; else from 100,000 random swaps, the seen one counted in, so p is never 0.
 */
export function randomisationTest(differences: readonly number[]): number {
  return atOnce(randomising(differences));
}

/** The same, with places to stop at. */
export function* randomising(differences: readonly number[]): Steps<number> {
  const effective = Float64Array.from(differences.filter((difference) => difference !== 0));
  const observed = Math.abs(effective.reduce((sum, value) => sum + value, 0));
  // Sums in another order differ in their last bits; they are the same difference.
  const threshold = observed - 1e-12 * effective.reduce((sum, value) => sum + Math.abs(value), 0);
  return effective.length <= EXACT_UP_TO
    ? exactP(effective, threshold)
    : yield* sampledP(effective, threshold);
}

function exactP(differences: Float64Array, threshold: number): number {
  const patterns = 2 ** differences.length;
  let atLeast = 0;
  for (let pattern = 0; pattern < patterns; pattern += 1) {
    const sum = differences.reduce((total, value, at) => total + ((pattern >>> at) & 1 ? -value : value), 0);
    if (Math.abs(sum) >= threshold) atLeast += 1;
  }
  return atLeast / patterns;
}

function* sampledP(differences: Float64Array, threshold: number): Steps<number> {
  const next = randomBits(SEED);
  let atLeast = 0;
  const rounds = roundsOf(differences);
  for (let round = 0; round < PERMUTATIONS; round += 1) {
    if (round % rounds === 0) yield;
    let sum = 0;
    let bits = 0;
    for (let at = 0; at < differences.length; at += 1) {
      if (at % 32 === 0) bits = next();
      const value = differences[at] ?? 0;
      sum += bits & 1 ? -value : value;
      bits >>>= 1;
    }
    if (Math.abs(sum) >= threshold) atLeast += 1;
  }
  return (atLeast + 1) / (PERMUTATIONS + 1);
}

/**
 * Holm's step-down correction (1979) of several tests' p: the chance of one false alarm or more
 * stays below the level. In the order given.
 */
export function holm(ps: readonly number[]): readonly number[] {
  const corrected = ps.map(() => 1);
  let least = 0;
  for (const [rank, at] of [...ps.keys()].sort((a, b) => (ps[a] ?? 0) - (ps[b] ?? 0)).entries()) {
    least = Math.max(least, Math.min(1, (ps.length - rank) * (ps[at] ?? 1)));
    corrected[at] = least;
  }
  return corrected;
}

/** A 95 % interval of the mean: the percentile bootstrap over queries, 10,000 resamples. */
export function bootstrapInterval(values: readonly number[]): Interval {
  return atOnce(bootstrapping(values));
}

/** The same, with places to stop at. */
export function* bootstrapping(values: readonly number[]): Steps<Interval> {
  const [interval] = yield* bootstrappingAll([values]);
  return interval ?? [0, 0];
}

/**
 * The intervals of several measures of the same queries. Each is what it is alone; the queries of a
 * resample are drawn once for all of them, and drawing is most of the work.
 */
export function* bootstrappingAll(columns: readonly (readonly number[])[]): Steps<readonly Interval[]> {
  const size = columns[0]?.length ?? 0;
  if (size === 0) return columns.map(() => [0, 0]);
  const next = randomBits(SEED);
  const sources = columns.map((values) => Float64Array.from(values));
  const means = columns.map(() => new Float64Array(RESAMPLES));
  const drawn = new Uint32Array(size);
  const rounds = roundsOf({ length: size * columns.length });
  for (let round = 0; round < RESAMPLES; round += 1) {
    if (round % rounds === 0) yield;
    for (let at = 0; at < size; at += 1) drawn[at] = (next() / 2 ** 32) * size;
    for (const [column, source] of sources.entries()) {
      let sum = 0;
      for (let at = 0; at < size; at += 1) sum += source[drawn[at] ?? 0] ?? 0;
      (means[column] ?? source)[round] = sum / size;
    }
  }
  return means.map((column) => {
    column.sort();
    return [sortedQuantile(column, 0.025), sortedQuantile(column, 0.975)];
  });
}

/** xoshiro128** (Blackman and Vigna 2018), seeded through splitmix32: 32 random bits a call. */
function randomBits(seed: number): () => number {
  let mixed = seed >>> 0;
  const splitmix = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed ^ (mixed >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
}
