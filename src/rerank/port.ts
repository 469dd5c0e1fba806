/** The reranker port: a model that reads the question and a passage together, and scores how well they fit. */

/** Models that a query may name. */
export const RERANK_MODELS = ['amazon.rerank-v1:0', 'cohere.rerank-v3-5:0'] as const;
export type RerankModel = (typeof RERANK_MODELS)[number];

/** Most texts of one call. */
export const MAX_RERANK_SOURCES = 1000;
/** Longest text that a reranker is sent, in UTF-16 code units; what is beyond is not read. */
export const MAX_RERANK_CHARACTERS = 32_000;

export interface RerankRequest {
  readonly model: RerankModel;
  readonly query: string;
  /** 1 to {@link MAX_RERANK_SOURCES}, each 1 to {@link MAX_RERANK_CHARACTERS} long. */
  readonly texts: readonly string[];
  /** How many of them to answer. */
  readonly topK: number;
}

export interface RerankScore {
  /** Of the text, from 0. */
  readonly index: number;
  /** Higher is better; comparable within one call. */
  readonly score: number;
}

export interface Reranker {
  /**
   * Best first, `min(topK, texts)` of them, each index once.
   * @throws RetrievalError `rate_limited`, `provider_…`, `timeout`, `cancelled`
   */
  rerank(
    request: RerankRequest,
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly RerankScore[]>;
  close(): Promise<void>;
}
