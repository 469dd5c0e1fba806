/** Pages lie within what is ranked, so that they come from one list and never overlap. Pure. */
import { RetrievalError } from '../errors.js';
import type { QueryRequest } from './schema.js';

/** @throws RetrievalError `invalid_request` naming what to raise. */
export function assertPage(request: QueryRequest): void {
  const { candidates, rerank } = request;
  const end = request.offset + request.top_k;
  if (end > candidates) {
    throw new RetrievalError(
      'invalid_request',
      `offset + top_k is ${String(end)} but only ${String(candidates)} candidates are ranked; raise candidates and keep it the same for every page`,
      { field: 'candidates' },
    );
  }
  if (rerank === undefined) return;
  const reranked = rerank.top_k ?? rerank.candidates;
  if (end <= reranked) return;
  throw new RetrievalError(
    'invalid_request',
    `offset + top_k is ${String(end)} but the reranker gives ${String(reranked)}; raise ${rerank.top_k === undefined ? 'rerank.candidates' : 'rerank.top_k'} and keep it the same for every page`,
    { field: rerank.top_k === undefined ? 'rerank.candidates' : 'rerank.top_k' },
  );
}
