/**
 * Retrieval measures, equal to trec_eval's (9.0.8) to 1e-6 on the same run and judgements.
 *
 * A document is relevant when its judgement is above 0; one without judgement is not. A measure of
 * a whole run is the mean over *every* query the judgements name (trec_eval -c): a query that found
 * nothing, was not asked, or has no relevant document counts as 0.
 */
import { METRICS, type Metric } from '../src/generations/measures.js';
import type { Judgements, Qrels } from './qrels.js';
import { rankAsTrecEval, type Run, type ScoredDocument } from './trec.js';

export { METRICS, type Metric };

/** Each in [0, 1]. */
export type Measures = Readonly<Record<Metric, number>>;

/** Relevance at each place of a ranked list; 0 where there is no judgement or a negative one. */
export function gainsOf(ranked: readonly ScoredDocument[], judgements: Judgements): readonly number[] {
  return ranked.map(({ id }) => Math.max(0, judgements.get(id) ?? 0));
}

/** Number of relevant documents among the judgements. */
export function countRelevant(judgements: Judgements): number {
  return [...judgements.values()].filter((relevance) => relevance > 0).length;
}

/**
 * Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) as trec_eval's `ndcg_cut`:
 * gain = relevance, discount = log2(rank + 1), against the best order of all judged documents.
 */
export function ndcg(gains: readonly number[], judgements: Judgements, k: number): number {
  const ideal = [...judgements.values()].filter((relevance) => relevance > 0).sort((a, b) => b - a);
  const best = discountedGain(ideal, k);
  return best === 0 ? 0 : discountedGain(gains, k) / best;
}

function discountedGain(gains: readonly number[], k: number): number {
  return gains.slice(0, k).reduce((sum, gain, at) => sum + gain / Math.log2(at + 2), 0);
}

/** Share of the relevant documents among the first k. */
export function recall(gains: readonly number[], relevant: number, k: number): number {
  return relevant === 0 ? 0 : gains.slice(0, k).filter((gain) => gain > 0).length / relevant;
}

/** One over the rank of the first relevant document, 0 when it is not among the first k. */
export function reciprocalRank(gains: readonly number[], k: number): number {
  const at = gains.slice(0, k).findIndex((gain) => gain > 0);
  return at === -1 ? 0 : 1 / (at + 1);
}

/** Mean of the precision at each relevant document, over the whole list; one not found adds 0. */
export function averagePrecision(gains: readonly number[], relevant: number): number {
  if (relevant === 0) return 0;
  let found = 0;
  let sum = 0;
  gains.forEach((gain, at) => {
    if (gain > 0) sum += ++found / (at + 1);
  });
  return sum / relevant;
}

/** All measures of one query. `ranked` is in trec_eval's order. */
export function measureQuery(ranked: readonly ScoredDocument[], judgements: Judgements): Measures {
  const gains = gainsOf(ranked, judgements);
  const relevant = countRelevant(judgements);
  return {
    'ndcg@10': ndcg(gains, judgements, 10),
    'recall@10': recall(gains, relevant, 10),
    'recall@100': recall(gains, relevant, 100),
    'mrr@10': reciprocalRank(gains, 10),
    map: averagePrecision(gains, relevant),
  };
}

/** Measures of every judged query, in the order of the judgements. */
export function measureRun(run: Run, qrels: Qrels): ReadonlyMap<string, Measures> {
  return new Map(
    [...qrels].map(([query, judgements]) => [
      query,
      measureQuery(rankAsTrecEval(run.get(query) ?? []), judgements),
    ]),
  );
}

/** Means over queries; zeros when there is none. */
export function meanMeasures(measures: readonly Measures[]): Measures {
  const mean = (metric: Metric): number =>
    measures.length === 0 ? 0 : measures.reduce((sum, of) => sum + of[metric], 0) / measures.length;
  return {
    'ndcg@10': mean('ndcg@10'),
    'recall@10': mean('recall@10'),
    'recall@100': mean('recall@100'),
    'mrr@10': mean('mrr@10'),
    map: mean('map'),
  };
}
