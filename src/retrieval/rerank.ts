/** The rerank step: the best candidates of the fused order, in the order of a reranking model. */
import { RetrievalError, hasCode } from '../errors.js';
import { MAX_RERANK_CHARACTERS } from '../rerank/port.js';
import type { Reranker, RerankScore } from '../rerank/port.js';
import type { CallOptions } from '../stores/port.js';
import type { QueryRequest, Warning } from './schema.js';
import type { ScoredCandidate } from './score.js';

export interface Reranked {
  /** At most `rerank.top_k` of the candidates, best first. */
  readonly candidates: readonly ScoredCandidate[];
  readonly warnings: readonly Warning[];
}

/**
 * Reranks sorted candidates; those behind `rerank.candidates` are left out, whether the reranker
 * answers or not.
 * @param textOf what the model reads of a candidate
 * @throws what the reranker throws, where the query says `fail`; `cancelled` in any case
 */
export async function rerankCandidates(
  reranker: Reranker,
  request: Pick<QueryRequest, 'query'> & { readonly rerank: NonNullable<QueryRequest['rerank']> },
  sorted: readonly ScoredCandidate[],
  textOf: (candidate: ScoredCandidate) => string,
  options: CallOptions,
): Promise<Reranked> {
  const { model, top_k: topK, on_failure: onFailure } = request.rerank;
  const pool = sorted.slice(0, request.rerank.candidates);
  const kept = topK ?? request.rerank.candidates;
  if (pool.length === 0) return { candidates: [], warnings: [] };
  const texts = pool.map((candidate) => withoutNothing(textOf(candidate)));
  const cut = texts.filter((text) => text.length > MAX_RERANK_CHARACTERS).length;
  let scores: readonly RerankScore[];
  try {
    scores = await reranker.rerank(
      { model, query: request.query, texts: texts.map(readable), topK: kept },
      options,
    );
  } catch (error) {
    if (onFailure === 'fail' || !(error instanceof RetrievalError) || hasCode(error, 'cancelled'))
      throw error;
    return { candidates: pool.slice(0, kept), warnings: [failed(model, error)] };
  }
  const candidates = scores.flatMap(({ index, score }, place) => {
    const candidate = pool[index];
    if (candidate === undefined) return [];
    const explain = { ...candidate.explain, rerank: { rank: place + 1, score, model } };
    return [{ ...candidate, score, explain }];
  });
  return { candidates, warnings: cut === 0 ? [] : [textCut(cut)] };
}

/** A reranker takes no empty text. */
function withoutNothing(text: string): string {
  return text === '' ? ' ' : text;
}

function readable(text: string): string {
  return text.length > MAX_RERANK_CHARACTERS ? text.slice(0, MAX_RERANK_CHARACTERS).toWellFormed() : text;
}

function failed(model: string, error: RetrievalError): Warning {
  return {
    code: 'rerank_failed',
    message: `The reranker "${model}" failed (${error.code}); hits are in the fused order, with its scores. ${error.message}`,
  };
}

function textCut(count: number): Warning {
  return {
    code: 'rerank_text_cut',
    message: `${String(count)} passages are longer than a reranker reads; it judged them by their first ${String(MAX_RERANK_CHARACTERS)} characters`,
  };
}
