/**
 * Fusing the two legs of a query. Pure.
 *
 * `tm2c2`: convex combination of scores, each leg scaled from its theoretical minimum to the
 * largest score among the candidates (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
 * Hybrid Retrieval", arXiv 2210.11934). `min_max`: the same, from the smallest score among the
 * candidates. `rrf`: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).
 */
import type { Metric } from '../model.js';
import { DEFAULT_RANK_CONSTANT, DEFAULT_VECTOR_WEIGHT } from './schema.js';
import type { Explain, LegResult, QueryRequest } from './schema.js';

/** One leg's view of a candidate. */
export interface LegScore {
  /** Place in the leg, from 1; null when only the other leg brought the candidate. */
  readonly rank: number | null;
  /** Exact raw score: similarity or BM25. */
  readonly score: number;
}

/** A chunk that at least one leg brought. A leg that was not asked is null for all candidates. */
export interface Candidate {
  readonly chunkId: string;
  readonly documentId: string;
  readonly vector: LegScore | null;
  readonly keyword: LegScore | null;
}

/** Relevance with the numbers it was made from, before recency. */
export type Relevance = Omit<Explain, 'recency'>;

export interface FusedCandidate {
  readonly candidate: Candidate;
  readonly relevance: Relevance;
}

/**
 * The least score a metric can give, from which `tm2c2` scales. Null where there is none: then the
 * least among the candidates stands in.
 */
export function theoreticalMinimum(metric: Metric, normalized: boolean): number | null {
  switch (metric) {
    case 'cosine':
      return -1;
    case 'dot':
      return normalized ? -1 : null;
    case 'l2':
      // Minus the distance of two opposite points on the unit sphere.
      return normalized ? -2 : null;
    default:
      return metric satisfies never;
  }
}

/** Gives every candidate its relevance. The order of the answer is that of `candidates`. */
export function fuse(
  candidates: readonly Candidate[],
  fusion: QueryRequest['fusion'],
  vectorMinimum: number | null,
): readonly FusedCandidate[] {
  if (fusion.method === 'rrf') {
    const rankConstant = fusion.rank_constant ?? DEFAULT_RANK_CONSTANT;
    return candidates.map((candidate) => ({
      candidate,
      relevance: combine(
        'rrf',
        rankConstant,
        legResult(candidate.vector, reciprocal(candidate.vector, rankConstant), 1),
        legResult(candidate.keyword, reciprocal(candidate.keyword, rankConstant), 1),
      ),
    }));
  }
  const vectorWeight = fusion.vector_weight ?? DEFAULT_VECTOR_WEIGHT[fusion.method];
  const vectorFloor = fusion.method === 'tm2c2' ? vectorMinimum : null;
  const keywordFloor = fusion.method === 'tm2c2' ? 0 : null;
  const scaleVector = scaler(scores(candidates, 'vector'), vectorFloor);
  const scaleKeyword = scaler(scores(candidates, 'keyword'), keywordFloor);
  return candidates.map((candidate) => ({
    candidate,
    relevance: combine(
      fusion.method,
      null,
      legResult(candidate.vector, scaleVector(candidate.vector?.score ?? 0), vectorWeight),
      legResult(candidate.keyword, scaleKeyword(candidate.keyword?.score ?? 0), 1 - vectorWeight),
    ),
  }));
}

/**
 * Relevance when one leg was asked: its raw score. With `scale` it is scaled as `tm2c2` does,
 * so that an unbounded score can be blended with recency.
 */
export function single(
  candidates: readonly Candidate[],
  leg: 'vector' | 'keyword',
  scale: { readonly minimum: number | null } | null,
): readonly FusedCandidate[] {
  const toRelevance =
    scale === null ? (score: number): number => score : scaler(scores(candidates, leg), scale.minimum);
  return candidates.map((candidate) => {
    const result = legResult(candidate[leg], toRelevance(candidate[leg]?.score ?? 0), 1);
    return {
      candidate,
      relevance: combine('single', null, leg === 'vector' ? result : null, leg === 'keyword' ? result : null),
    };
  });
}

/** The sum of a relevance's parts. The one place where it is made, so that it can be made again. */
export function sumOfParts(parts: Pick<Explain, 'vector' | 'keyword'>): number {
  const vector = parts.vector === null ? 0 : parts.vector.weight * parts.vector.normalized;
  const keyword = parts.keyword === null ? 0 : parts.keyword.weight * parts.keyword.normalized;
  return vector + keyword;
}

function combine(
  method: Explain['method'],
  rankConstant: number | null,
  vector: LegResult | null,
  keyword: LegResult | null,
): Relevance {
  return { method, rank_constant: rankConstant, vector, keyword, relevance: sumOfParts({ vector, keyword }) };
}

function legResult(leg: LegScore | null, normalized: number, weight: number): LegResult | null {
  return leg === null ? null : { rank: leg.rank, score: leg.score, normalized, weight };
}

function reciprocal(leg: LegScore | null, rankConstant: number): number {
  const rank = leg?.rank ?? null;
  return rank === null ? 0 : 1 / (rankConstant + rank);
}

function scores(candidates: readonly Candidate[], leg: 'vector' | 'keyword'): readonly number[] {
  return candidates.flatMap((candidate) => {
    const score = candidate[leg]?.score;
    return score === undefined ? [] : [score];
  });
}

/** Maps [minimum, largest] to [0, 1]. Where all are equal to the minimum, all are 0. */
function scaler(values: readonly number[], minimum: number | null): (score: number) => number {
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const from = minimum ?? least;
  const range = most - from;
  return (score) => (range > 0 ? (score - from) / range : 0);
}
