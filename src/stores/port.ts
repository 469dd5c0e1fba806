import type {
  ChunkerSettings,
  Collection,
  Compression,
  Document,
  EmbeddedChunk,
  FieldMode,
  Fields,
  FieldValues,
  Filter,
  Chunk,
  Language,
  Metric,
  Pin,
  VectorIndex,
} from '../model.js';

import type { BesideWrite, GenerationStore, RecordStore } from './generations-port.js';

/** Every call takes one; aborting it rejects with `cancelled`. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface StoreCapabilities {
  readonly metrics: readonly Metric[];
  /** The first is what a collection gets whose index is not named. */
  readonly indexes: readonly VectorIndex['kind'][];
  readonly languages: readonly Language[];
  /** What an HNSW index gets that does not say it; the catalog's own defaults where absent. */
  readonly hnswDefaults?: { readonly m: number; readonly efConstruction: number };
  /** How much smaller an HNSW index can keep its vectors; not at all where absent. */
  readonly compression?: { readonly levels: readonly Compression[]; readonly onDisk: boolean };
  /** Whether an HNSW index can be in parts, by the values of a field; not where absent. */
  readonly partitions?: boolean;
  /** Longest vector that can be stored. */
  readonly maxDimensions: number;
}

/** What a new collection is made from. Nothing is defaulted here. */
export interface CollectionSpec {
  readonly name: string;
  readonly fieldMode: FieldMode;
  readonly fields: Fields;
  readonly language: Language;
  readonly embedder: string;
  readonly pin: Pin;
  readonly chunker: ChunkerSettings;
  readonly metric: Metric;
  readonly index: VectorIndex;
}

/** Which generation a call means. A generation that is gone rejects with `collection_not_found`. */
export interface GenerationRef {
  readonly collection: string;
  readonly generation: number;
}

/** A document with everything a store keeps of it. */
export interface DocumentWrite {
  readonly document: Document;
  /** Typed values of the declared fields; the only part of the metadata that filters see. */
  readonly values: FieldValues;
  /** Hash of all that was ingested; equal means nothing has to be done. */
  readonly contentHash: string;
  readonly chunks: readonly EmbeddedChunk[];
}

export interface StoredDocument {
  readonly document: Document;
  readonly contentHash: string;
  /** ISO 8601. */
  readonly ingestedAt: string;
  readonly chunkCount: number;
}

/** A document without its text, for listings. */
export interface DocumentSummary {
  readonly id: string;
  readonly title: string | null;
  readonly source: string | null;
  readonly metadata: Document['metadata'];
  readonly contentHash: string;
  readonly ingestedAt: string;
  readonly chunkCount: number;
}

/** A stored chunk with its document's citation and metadata. */
export interface ChunkRecord extends Chunk {
  readonly title: string | null;
  readonly source: string | null;
  readonly metadata: Document['metadata'];
  readonly values: FieldValues;
}

export interface CollectionCounts {
  readonly documents: number;
  readonly chunks: number;
}

/** One place of a leg: best first, ties in order of chunk id. */
export interface LegHit {
  readonly chunkId: string;
  readonly documentId: string;
  /**
   * Higher is better. Vector: cosine in [-1, 1], the dot product, or minus the Euclidean distance.
   * Keyword: BM25 (0 never occurs).
   */
  readonly score: number;
}

/** How the vector leg found its hits, for explain and metrics. */
export interface VectorLegPlan {
  /** `exact`: every matching vector was compared. `approximate`: through the index. */
  readonly strategy: 'exact' | 'approximate';
  /** Matches of the filter where they were counted; at a limit, the count is `≥` it. */
  readonly matches: number | null;
}

export interface VectorLegQuery {
  readonly vector: Float32Array;
  readonly k: number;
  readonly filter: Filter;
  /** Breadth of the index search; the store's default where undefined. */
  readonly efSearch?: number;
  /** Compare every match. */
  readonly exact?: boolean;
}

export interface KeywordLegQuery {
  /** The question as the user wrote it; the store analyses it as it analysed the documents. */
  readonly text: string;
  readonly k: number;
  readonly filter: Filter;
}

/** Exact scores of a chunk in both legs; null where that leg was not asked. */
export interface ChunkScores {
  readonly vector: number | null;
  /** 0 when no word of the question is in the chunk. */
  readonly keyword: number | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `after` for the next page; null at the end. */
  readonly next: string | null;
}

/**
 * Keeps collections, documents, chunks and vectors, and answers the two legs of a query.
 *
 * Promises, each held by the conformance suite:
 * - A document's chunks change together: a reader sees all old or all new ones.
 * - A filter means the same as in the in-memory store, in both legs and in deletes.
 * - A leg answers min(k, matches) hits; the approximate index never starves it.
 * - Writes whose generation's pin is not the stored one are refused (`model_mismatch`).
 * - Vectors of a wrong length, not finite, or all zero under cosine are refused (`invalid_vector`).
 */
export interface VectorStore {
  /** `memory`, `pglite`, `postgresql`, `opensearch`, `oracle`. */
  readonly kind: string;
  readonly capabilities: StoreCapabilities;
  /** Generations beside the active one; absent where the store keeps one only. */
  readonly generations?: GenerationStore;
  /** The collections' own records; absent where the store keeps none. */
  readonly records?: RecordStore;

  /** Resolves when the backend answers; rejects with `store_unavailable`. */
  ping(options?: CallOptions): Promise<void>;
  close(): Promise<void>;

  // Collections -------------------------------------------------------------------------------
  /** Makes the collection and its first, active generation. `collection_exists` when it is there. */
  createCollection(spec: CollectionSpec, options?: CallOptions): Promise<Collection>;
  getCollection(name: string, options?: CallOptions): Promise<Collection | null>;
  /** All collections by name. */
  listCollections(options?: CallOptions): Promise<readonly Collection[]>;
  /** Removes the collection with all it holds; false when there was none. */
  deleteCollection(name: string, options?: CallOptions): Promise<boolean>;
  countCollection(name: string, options?: CallOptions): Promise<CollectionCounts>;
  /** Bytes of the active generation's approximate index, 0 while none is built; absent where unknown. */
  readonly indexBytes?: (name: string, options?: CallOptions) => Promise<number>;
  /**
   * Adds fields. A field that exists with another type is a `field_type_conflict`; concurrent
   * callers end with one type a field. Answers the collection as it now is.
   */
  addFields(name: string, fields: Fields, options?: CallOptions): Promise<Collection>;

  // Documents ---------------------------------------------------------------------------------
  /**
   * Writes documents, replacing those of the same id. All of the batch or nothing. `pin` is what
   * the vectors were made with. Document ids in a batch are unique. In every other generation the
   * documents' chunks become those of `beside`, or go. Into a generation that is not the active
   * one: `generation_conflict`.
   */
  putDocuments(
    ref: GenerationRef,
    pin: Pin,
    documents: readonly DocumentWrite[],
    options?: CallOptions & { readonly beside?: readonly BesideWrite[] },
  ): Promise<void>;
  /** Content hash by id, of those of `ids` that exist. */
  contentHashes(
    ref: GenerationRef,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, string>>;
  /** Stored vectors of a document by the chunk's `indexedText` hash (hex SHA-256); empty when there is none. */
  documentVectors(
    ref: GenerationRef,
    id: string,
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, Float32Array>>;
  getDocument(collection: string, id: string, options?: CallOptions): Promise<StoredDocument | null>;
  /** The document's chunks in order; `from` and `to` (inclusive) bound the ordinals. */
  documentChunks(
    ref: GenerationRef,
    id: string,
    options?: CallOptions & { readonly from?: number; readonly to?: number },
  ): Promise<readonly ChunkRecord[]>;
  /** Documents that match, by id (code point order); `after` is the last id of the page before. */
  listDocuments(
    collection: string,
    query: { readonly filter: Filter; readonly limit: number; readonly after?: string },
    options?: CallOptions,
  ): Promise<Page<DocumentSummary>>;
  countDocuments(collection: string, filter: Filter, options?: CallOptions): Promise<number>;
  /** Removes documents by id; answers how many there were. */
  deleteDocuments(collection: string, ids: readonly string[], options?: CallOptions): Promise<number>;
  /** Removes documents by filter; answers how many there were. The caller has refused `{}`. */
  deleteByFilter(collection: string, filter: Filter, options?: CallOptions): Promise<number>;
  /**
   * Builds the approximate index where it is due and missing, and refreshes statistics. Called
   * after a load; a store that needs nothing returns at once.
   */
  finishLoad(ref: GenerationRef, options?: CallOptions): Promise<void>;

  // Legs --------------------------------------------------------------------------------------
  vectorLeg(
    ref: GenerationRef,
    query: VectorLegQuery,
    options?: CallOptions,
  ): Promise<{ readonly hits: readonly LegHit[]; readonly plan: VectorLegPlan }>;
  keywordLeg(ref: GenerationRef, query: KeywordLegQuery, options?: CallOptions): Promise<readonly LegHit[]>;
  /** Exact scores of the given chunks; a chunk that is gone is missing from the answer. */
  scoreChunks(
    ref: GenerationRef,
    query: {
      readonly chunkIds: readonly string[];
      readonly vector?: Float32Array;
      readonly text?: string;
    },
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, ChunkScores>>;
  /** Chunks by id; one that is gone is missing from the answer. */
  getChunks(
    ref: GenerationRef,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, ChunkRecord>>;
}
