import type { InputType, Pin, Tokenizer } from '../model.js';

export interface EmbedOptions {
  /** Never defaulted: a model may embed questions and documents differently. */
  readonly inputType: InputType;
  readonly signal?: AbortSignal;
  /** Ask the model, whatever is cached. */
  readonly fresh?: boolean;
  /** Vectors, by index, that need not be made again. Only remote embedders look at it. */
  readonly known?: ReadonlyMap<number, Float32Array>;
  /**
   * Told of each text as it is finished, also after the call has failed for another text: what was
   * paid for can be kept. Only remote embedders call it.
   */
  readonly onPart?: (part: EmbeddedPart) => void;
}

/** One text of a call. */
export interface EmbeddedPart {
  readonly index: number;
  readonly vector: Float32Array;
  /** What the provider counted; null when it was cached and nothing was asked. */
  readonly tokens: number | null;
}

/** Of an embedder whose model a provider runs: it is paid for, and its weights cannot be hashed. */
export interface RemoteFacts {
  /** Null when no price is configured. */
  readonly pricePerThousandTokens: number | null;
}

/**
 * Turns texts into vectors with one pinned model.
 *
 * `embed` answers one vector a text, in order, each `pin.dimensions` long, finite, and of unit
 * length when `pin.normalized`. It never truncates: a text of more than `tokenizer.maxTokens`
 * tokens or `maxCharacters` characters is an `invalid_request`. Aborting `signal` rejects with `cancelled`.
 */
export interface Embedder {
  /** Its id in configuration, `minilm-l6`. */
  readonly name: string;
  readonly pin: Pin;
  readonly tokenizer: Tokenizer;
  readonly remote?: RemoteFacts;
  embed(texts: readonly string[], options: EmbedOptions): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}
