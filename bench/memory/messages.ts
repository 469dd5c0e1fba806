/** What the watching and the watched process say to each other. */

export interface Order {
  readonly store: string;
  readonly collection: string;
  readonly embedder: 'fake' | 'model';
  readonly chunks: number;
  readonly seed: number;
}

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly stage: string; readonly chunks: number }
  | { readonly kind: 'done'; readonly chunks: number };
