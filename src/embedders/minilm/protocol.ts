/** What the pool and its workers say to each other. */

export interface WorkerSettings {
  readonly weightsPath: string;
  readonly tokenizerPath: string;
  readonly tokenizerSha256: string;
  /** The model's window less its two special tokens. */
  readonly maxTokens: number;
}

export type ToWorker =
  /** Embed one text. Urgent ones go before all others. Ids rise by one a task and worker. */
  | { readonly kind: 'task'; readonly id: number; readonly urgent: boolean; readonly text: string }
  /** Tasks of which nobody waits for the answer; those not begun are skipped and answered so. */
  | { readonly kind: 'cancel'; readonly ids: readonly number[] }
  /** Begin no other text, and end. */
  | { readonly kind: 'end' };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** The model could not be loaded; the worker ends. */
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'vector'; readonly id: number; readonly vector: Float32Array }
  | { readonly kind: 'too_long'; readonly id: number; readonly tokens: number }
  | { readonly kind: 'skipped'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };
