/** The chat model port: one prompt in, one text out, whole or as it is written. */

export interface ChatRequest {
  readonly model: string;
  /** Empty: none. */
  readonly system: string;
  readonly prompt: string;
  readonly maxTokens: number;
  /** Absent: the model's own. Some models take none. */
  readonly temperature?: number;
}

export interface ChatUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ChatEnd {
  /** As the provider names it: `end_turn`, `max_tokens`, `guardrail_intervened`, … */
  readonly stopReason: string;
  /** Null where the provider does not say. */
  readonly usage: ChatUsage | null;
}

export type ChatEvent =
  { readonly kind: 'text'; readonly text: string } | ({ readonly kind: 'end' } & ChatEnd);

export interface ChatOptions {
  readonly signal?: AbortSignal;
}

/** Both reject with `rate_limited`, `provider_…`, `timeout` or `cancelled`; the stream's last event is `end`. */
export interface ChatModel {
  converse(request: ChatRequest, options?: ChatOptions): Promise<{ readonly text: string } & ChatEnd>;
  stream(request: ChatRequest, options?: ChatOptions): AsyncIterable<ChatEvent>;
  close(): Promise<void>;
}
