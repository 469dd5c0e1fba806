/**
 * Several generations of one collection side by side, and the collection's own records.
 *
 * Documents belong to the collection; chunks, vectors and words to a generation. One generation is
 * active. A document that is written or deleted never leaves an older text of itself in any other
 * generation: its chunks there are replaced with those that the writer hands over, or removed.
 */
import type {
  ChunkerSettings,
  EmbeddedChunk,
  Generation,
  JsonObject,
  Metric,
  Pin,
  VectorIndex,
} from '../model.js';
import type { CallOptions, GenerationRef } from './port.js';

/** What a new generation is made from. Nothing is defaulted here. */
export interface GenerationSpec {
  readonly embedder: string;
  readonly pin: Pin;
  readonly chunker: ChunkerSettings;
  readonly metric: Metric;
  readonly index: VectorIndex;
}

/** A generation with what it holds. */
export interface GenerationRecord extends Generation {
  /** ISO 8601. */
  readonly createdAt: string;
  /** When it last became active or retired; ISO 8601. */
  readonly changedAt: string;
  readonly chunks: number;
  /** Documents that have chunks here. */
  readonly documents: number;
  /** Documents of the collection that have text but no chunks here. 0: complete. */
  readonly missing: number;
}

/** Chunks of documents as the caller read them, for one generation. */
export interface ChunksWrite {
  readonly documentId: string;
  /** The hash of the document that the chunks were made from. */
  readonly contentHash: string;
  readonly chunks: readonly EmbeddedChunk[];
}

/** Chunks for a generation beside the one that is written to. */
export interface BesideWrite {
  readonly generation: number;
  readonly pin: Pin;
  /** By document id. */
  readonly chunks: ReadonlyMap<string, readonly EmbeddedChunk[]>;
}

export interface GenerationStore {
  /**
   * Makes an empty generation in state `building`. One is built at a time: another is
   * `generation_conflict`.
   */
  create(collection: string, spec: GenerationSpec, options?: CallOptions): Promise<Generation>;
  /** All generations of a collection, by id. `collection_not_found` when there is none of that name. */
  list(collection: string, options?: CallOptions): Promise<readonly GenerationRecord[]>;
  /** The same without counting anything: cheap enough for a query. */
  known(collection: string, options?: CallOptions): Promise<readonly Generation[]>;
  /**
   * Documents of the collection that have text but no chunks in this generation, by id (code
   * point order), after `after`.
   */
  missing(
    ref: GenerationRef,
    query: { readonly limit: number; readonly after?: string },
    options?: CallOptions,
  ): Promise<readonly { readonly id: string; readonly contentHash: string }[]>;
  /**
   * Writes chunks of documents into a generation that is not active. A document that is gone, or
   * whose hash is another by now, is left out; answers the ids of those written. All or nothing
   * of the others.
   */
  putChunks(
    ref: GenerationRef,
    pin: Pin,
    writes: readonly ChunksWrite[],
    options?: CallOptions,
  ): Promise<readonly string[]>;
  /**
   * Makes a generation the active one and retires the one that was, in one step, provided that
   * `from` is active still and that no document is missing: else `generation_conflict`.
   */
  activate(ref: GenerationRef, from: number, options?: CallOptions): Promise<void>;
  /** Removes a generation that is not active; false when there is none. The active one: `generation_conflict`. */
  drop(ref: GenerationRef, options?: CallOptions): Promise<boolean>;
}

/** One thing a collection keeps about itself: a step of its history, an eval set, a gate's result. */
export interface StoredRecord {
  /** Counts up within a collection, in the order of writing. */
  readonly id: number;
  readonly kind: string;
  /** ISO 8601. */
  readonly at: string;
  readonly value: JsonObject;
}

/** Small JSON records of a collection, kept in the order of writing and gone with it. */
export interface RecordStore {
  append(collection: string, kind: string, value: JsonObject, options?: CallOptions): Promise<StoredRecord>;
  /** The latest first. */
  list(
    collection: string,
    query: { readonly kinds: readonly string[]; readonly limit: number; readonly before?: number },
    options?: CallOptions,
  ): Promise<readonly StoredRecord[]>;
  /** Removes records by id; answers how many there were. */
  remove(collection: string, ids: readonly number[], options?: CallOptions): Promise<number>;
}
