/** The measures of a ranking that evaluations report and gates judge by, in the order they are shown. */
export const METRICS = ['ndcg@10', 'recall@10', 'recall@100', 'mrr@10', 'map'] as const;

export type Metric = (typeof METRICS)[number];
