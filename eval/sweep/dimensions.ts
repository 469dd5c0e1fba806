/** What a sweep can vary. */
export const DIMENSIONS = [
  'embedder',
  'chunker',
  'mode',
  'fusion',
  'vector_weight',
  'rank_constant',
  'candidates',
  'ef_search',
] as const;

export type Dimension = (typeof DIMENSIONS)[number];
