/** Scores every chunk that holds one of a question's terms. */
import { saturation } from '../../analysis/bm25.js';
import type { WeightedTerm } from '../../analysis/bm25.js';
import { readPostings } from './postings.js';

/** A question's terms with their weights, and the mean chunk length, as of now. */
export interface WeighedQuestion {
  readonly terms: readonly WeightedTerm[];
  readonly averageLength: number;
}

/** What the question's terms have in the postings. */
export interface FoundPostings {
  /** A segment's first key → term → packed postings. */
  readonly segments: ReadonlyMap<number, ReadonlyMap<string, Buffer>>;
  /** Postings in all of them. */
  readonly size: number;
}

export interface Scored {
  readonly keys: Float64Array;
  /** In the order of the keys. */
  readonly scores: Float64Array;
}

/**
 * Sums of the segment that is being scored, by key less the segment's first; zeros between calls.
 * Kept, since making room anew for each query costs more than the adding up.
 */
let sums = new Float64Array(32_768);

/** Adds up as `bm25` does, term after term in the question's order. */
export function scorePostings({ terms, averageLength }: WeighedQuestion, found: FoundPostings): Scored {
  const keys = new Float64Array(found.size);
  const scores = new Float64Array(found.size);
  let count = 0;
  for (const [first, lists] of found.segments) {
    let end = 0;
    for (const { term, weight } of terms) {
      const packed = lists.get(term);
      if (packed === undefined) continue;
      readPostings(packed, (key, frequency, length) => {
        const at = key - first;
        if (at >= end) {
          end = at + 1;
          makeRoom(end);
        }
        sums[at] = (sums[at] ?? 0) + weight * saturation(frequency, length, averageLength);
      });
    }
    for (let at = 0; at < end; at += 1) {
      const score = sums[at] ?? 0;
      if (score === 0) continue;
      keys[count] = first + at;
      scores[count] = score;
      count += 1;
    }
    sums.fill(0, 0, end);
  }
  return { keys: keys.subarray(0, count), scores: scores.subarray(0, count) };
}

function makeRoom(size: number): void {
  if (size <= sums.length) return;
  const larger = new Float64Array(Math.max(size, sums.length * 2));
  larger.set(sums);
  sums = larger;
}
