import type { InputType, Pin, Tokenizer } from '../model.js';

export interface EmbedOptions {
  /** Never defaulted: a model may embed questions and documents differently. */
  readonly inputType: InputType;
  readonly signal?: AbortSignal;
}

/**
 * Turns texts into vectors with one pinned model.
 *
 * `embed` answers one vector a text, in order, each `pin.dimensions` long, finite, and of unit
 * length when `pin.normalized`. It never truncates: a text of more than `tokenizer.maxTokens`
 * tokens is an `invalid_request`. Aborting `signal` rejects with `cancelled`.
 */
export interface Embedder {
  /** Its id in configuration, `minilm-l6`. */
  readonly name: string;
  readonly pin: Pin;
  readonly tokenizer: Tokenizer;
  embed(texts: readonly string[], options: EmbedOptions): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}
