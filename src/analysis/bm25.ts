/**
 * Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), with the
 * idf that never goes negative (as Lucene has it). Every store's final scores come from these
 * functions, summed in the same order, so they are equal to the bit.
 */

export const K1 = 1.2;
export const B = 0.75;

/** Exact statistics of a generation's chunks. */
export interface KeywordStatistics {
  /** Chunks in the generation. */
  readonly chunks: number;
  /** Terms in all chunks together, repeats included. */
  readonly totalLength: number;
  /** Term → chunks that hold it. */
  readonly documentFrequency: ReadonlyMap<string, number>;
}

/** A question's term with its weight: idf times its count in the question. */
export interface WeightedTerm {
  readonly term: string;
  readonly weight: number;
}

/**
 * Weighs a question's terms. A term that no chunk holds is left out. In code unit order of the
 * term, which fixes the order of every later sum.
 */
export function weighTerms(
  terms: ReadonlyMap<string, number>,
  statistics: KeywordStatistics,
): readonly WeightedTerm[] {
  const weighted: WeightedTerm[] = [];
  for (const [term, count] of terms) {
    const df = statistics.documentFrequency.get(term) ?? 0;
    if (df > 0) weighted.push({ term, weight: count * idf(statistics.chunks, df) });
  }
  return weighted.sort((a, b) => (a.term < b.term ? -1 : 1));
}

/** ln(1 + (N − df + 0.5) / (df + 0.5)). */
export function idf(chunks: number, documentFrequency: number): number {
  return Math.log(1 + (chunks - documentFrequency + 0.5) / (documentFrequency + 0.5));
}

/**
 * BM25 of one chunk.
 * @param frequency how often the chunk holds a term; 0 when it does not
 * @param length the chunk's terms, repeats included
 * @param averageLength mean length over the generation
 */
export function bm25(
  query: readonly WeightedTerm[],
  frequency: (term: string) => number,
  length: number,
  averageLength: number,
): number {
  let score = 0;
  for (const { term, weight } of query) {
    const tf = frequency(term);
    if (tf > 0) score += weight * saturation(tf, length, averageLength);
  }
  return score;
}

/** tf (k1 + 1) / (tf + k1 (1 − b + b · length / average)): from 0 up to k1 + 1. */
export function saturation(tf: number, length: number, averageLength: number): number {
  return saturate(tf, lengthPart(length, averageLength));
}

/** What the length of a chunk adds to the divisor: k1 (1 − b + b · length / average). */
export function lengthPart(length: number, averageLength: number): number {
  return K1 * (averageLength > 0 ? 1 - B + (B * length) / averageLength : 1);
}

/** @param part from `lengthPart`, for whoever scores many chunks of one length */
export function saturate(tf: number, part: number): number {
  return (tf * (K1 + 1)) / (tf + part);
}
