/** From an explanation to its score, and the order of hits. Pure. */
import { sumOfParts } from './fusion.js';
import type { Explain } from './schema.js';

/**
 * The score an explanation stands for: the reranker's where there was one, else the legs'
 * `weight · normalized` summed, then blended with recency, `(1 − w) · relevance + w · decay`.
 * Exactly the `score` of the hit it came with.
 */
export function scoreOf(explain: Explain): number {
  if (explain.rerank !== undefined) return explain.rerank.score;
  const relevance = explain.method === 'managed' ? explain.relevance : sumOfParts(explain);
  if (explain.recency === null) return relevance;
  const { weight, decay } = explain.recency;
  return (1 - weight) * relevance + weight * decay;
}

export interface ScoredCandidate {
  readonly chunkId: string;
  readonly documentId: string;
  readonly score: number;
  readonly explain: Explain;
}

/** Best first; equal scores in code unit order of the chunk id, so that pages never overlap. */
export function compareScored(a: ScoredCandidate, b: ScoredCandidate): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : 0;
}

/** Candidates that make one hit: the best chunk first. */
export interface HitGroup {
  readonly best: ScoredCandidate;
  /** The document's other candidates, best first; only under `merge`. */
  readonly more: readonly ScoredCandidate[];
}

/** Groups sorted candidates into hits. */
export function groupHits(
  sorted: readonly ScoredCandidate[],
  mode: 'none' | 'best' | 'merge',
): readonly HitGroup[] {
  if (mode === 'none') return sorted.map((best) => ({ best, more: [] }));
  const byDocument = new Map<string, { best: ScoredCandidate; more: ScoredCandidate[] }>();
  for (const candidate of sorted) {
    const group = byDocument.get(candidate.documentId);
    if (group === undefined) byDocument.set(candidate.documentId, { best: candidate, more: [] });
    else if (mode === 'merge') group.more.push(candidate);
  }
  return [...byDocument.values()];
}
