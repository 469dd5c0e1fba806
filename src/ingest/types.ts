import type { Chunk, RawDocument } from '../model.js';
import type { RetrievalError } from '../errors.js';

/**
 * One thing a source yields: a document, one that it knows to be stored as it now is without having
 * read it, or a name it could not read and why.
 */
export type SourceItem =
  | {
      readonly kind: 'document';
      readonly document: RawDocument;
      /** What a source tells changes by without reading; stored beside the content's hash. At most 63 characters. */
      readonly version?: string;
    }
  | { readonly kind: 'unchanged'; readonly id: string }
  | { readonly kind: 'failed'; readonly name: string; readonly error: RetrievalError };

/**
 * Where documents come from. Pulled one by one, so a source of any size needs bounded memory.
 * A bad item is yielded as `failed`; only a source that cannot go on at all throws.
 */
export interface Source {
  /** How many items there will be, when it is cheap to know. */
  readonly total: number | null;
  /** `stored` is absent where nothing is to be compared, as in a dry run. */
  items(signal?: AbortSignal, stored?: StoredVersions): AsyncIterable<SourceItem>;
  /** Of documents that were not met, those that are there all the same: they came since. */
  stillThere?(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlySet<string>>;
}

/** The versions of stored documents, of those of `ids` that have one. */
export type StoredVersions = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** Most documents that pruning may remove: a number of them, or a share of the collection's. */
export type DeleteCeiling =
  | { readonly kind: 'documents'; readonly documents: number }
  | { readonly kind: 'share'; readonly share: number };

export interface IngestOptions {
  /** Remove documents of the collection that the source did not yield. Refused after a failure. */
  readonly prune?: boolean;
  /** Pruning that would remove more is refused as a whole, after all that was read is written. */
  readonly maxDelete?: DeleteCeiling;
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
  /** With a remote embedder only. */
  readonly spent?: Spent;
}

/** What a remote embedder was asked for in a run. */
export interface Spent {
  /** As the provider counted them. */
  readonly tokens: number;
  /** Texts whose vector was in the cache, and cost nothing. */
  readonly cached: number;
  /** In the currency of the configured price; null when none is configured. */
  readonly cost: number | null;
}

export interface IngestFailure {
  /** Document id, or the file's name. */
  readonly name: string;
  readonly code: RetrievalError['code'];
  readonly reason: string;
}

/** Documents that gave no chunk: blank ones, and those of a title alone. */
export interface WithoutText {
  readonly documents: number;
  /** Of the first ten. */
  readonly ids: readonly string[];
}

export interface IngestSummary {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly failed: readonly IngestFailure[];
  /** Of the added and changed documents, those of which there is nothing to find. */
  readonly withoutText: WithoutText;
  /** Chunks of the added and changed documents. */
  readonly chunks: number;
  /** Texts the embedder was asked for. */
  readonly embedded: number;
  /** Chunks whose vector was kept because their text had not changed. */
  readonly reused: number;
  /** True when pruning was asked for but not done: something failed, or the source had no document. */
  readonly pruneSkipped: boolean;
  readonly elapsedMs: number;
  /** With a remote embedder only. */
  readonly spent?: Spent;
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
