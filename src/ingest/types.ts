import type { Chunk, RawDocument } from '../model.js';
import type { RetrievalError } from '../errors.js';

/** One thing a source yields: a document, or a name it could not read and why. */
export type SourceItem =
  | { readonly kind: 'document'; readonly document: RawDocument }
  | { readonly kind: 'failed'; readonly name: string; readonly error: RetrievalError };

/**
 * Where documents come from. Pulled one by one, so a source of any size needs bounded memory.
 * A bad item is yielded as `failed`; only a source that cannot go on at all throws.
 */
export interface Source {
  /** How many items there will be, when it is cheap to know. */
  readonly total: number | null;
  items(signal?: AbortSignal): AsyncIterable<SourceItem>;
}

export interface IngestOptions {
  /** Remove documents of the collection that the source did not yield. Refused after a failure. */
  readonly prune?: boolean;
  readonly signal?: AbortSignal;
  /** Called often; must be quick. */
  readonly onProgress?: (progress: IngestProgress) => void;
}

export interface IngestProgress {
  readonly stage: 'ingest' | 'prune' | 'index' | 'done';
  /** Source items finished, whatever became of them. */
  readonly documents: number;
  readonly totalDocuments: number | null;
  readonly chunks: number;
  readonly embedded: number;
  readonly failed: number;
  readonly elapsedMs: number;
}

export interface IngestFailure {
  /** Document id, or the file's name. */
  readonly name: string;
  readonly code: RetrievalError['code'];
  readonly reason: string;
}

export interface IngestSummary {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly failed: readonly IngestFailure[];
  /** Chunks of the added and changed documents. */
  readonly chunks: number;
  /** Texts the embedder was asked for. */
  readonly embedded: number;
  /** Chunks whose vector was kept because their text had not changed. */
  readonly reused: number;
  /** True when pruning was asked for but not done: something failed, or the source had no document. */
  readonly pruneSkipped: boolean;
  readonly elapsedMs: number;
}

/** What a dry run shows of a source's item. */
export type DryRunItem =
  | { readonly kind: 'document'; readonly document: DryRunDocument }
  | { readonly kind: 'failed'; readonly failure: IngestFailure };

export interface DryRunDocument {
  readonly id: string;
  readonly title: string | null;
  readonly chunks: readonly Chunk[];
}
