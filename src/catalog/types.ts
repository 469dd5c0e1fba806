import type {
  ChunkerSettings,
  Collection,
  FieldMode,
  Fields,
  JsonValue,
  Language,
  Metric,
  Partitions,
  VectorIndex,
} from '../model.js';
import type {
  CallOptions,
  ChunkRecord,
  CollectionCounts,
  DocumentSummary,
  Page,
  StoredDocument,
} from '../stores/port.js';

/** An index as asked for: what is left out of HNSW is the store's to say, and partitions are by value. */
export type NewVectorIndex =
  | Exclude<VectorIndex, { readonly kind: 'hnsw' }>
  | (Omit<HnswIndex, 'm' | 'efConstruction' | 'partitions'> &
      Partial<Pick<HnswIndex, 'm' | 'efConstruction'>> & { readonly partitions?: NewPartitions });

export type NewPartitions = Omit<Partitions, 'by'> & Partial<Pick<Partitions, 'by'>>;

type HnswIndex = Extract<VectorIndex, { readonly kind: 'hnsw' }>;

/**
 * A chunker as asked for: settings that are left out have the defaults of its kind, and the kind
 * is `structure` unless it is named. A setting of another kind is refused.
 */
export interface NewChunker {
  readonly kind?: ChunkerSettings['kind'];
  readonly targetTokens?: number;
  readonly overlapTokens?: number;
  readonly maxTokens?: number;
  readonly bufferSize?: number;
  readonly breakpointPercentile?: number;
  readonly childTokens?: number;
  readonly parentTokens?: number;
}

/** What a caller says of a new collection. The embedder is always named. */
export interface NewCollection {
  readonly name: string;
  /** An embedder's id in this service, `minilm-l6`. */
  readonly embedder: string;
  /** Given: only these can be filtered on. Absent: fields are inferred from the documents. */
  readonly fields?: Fields;
  readonly fieldMode?: FieldMode;
  readonly language?: Language;
  readonly metric?: Metric;
  readonly index?: NewVectorIndex;
  readonly chunker?: NewChunker;
}

export interface CollectionDescription extends Collection {
  readonly counts: CollectionCounts;
  /** The pin's short name, as `model_version` of queries and answers. */
  readonly modelVersion: string;
}

export interface DocumentWithChunks extends StoredDocument {
  readonly chunks: readonly ChunkRecord[];
}

/**
 * Collections and their documents. Everything that names a collection that does not exist
 * rejects with `collection_not_found`. Filters are the caller's JSON, parsed here.
 */
export interface Catalog {
  createCollection(input: NewCollection, options?: CallOptions): Promise<CollectionDescription>;
  getCollection(name: string, options?: CallOptions): Promise<Collection>;
  describeCollection(name: string, options?: CallOptions): Promise<CollectionDescription>;
  listCollections(options?: CallOptions): Promise<readonly CollectionDescription[]>;
  deleteCollection(name: string, options?: CallOptions): Promise<void>;
  getDocument(collection: string, id: string, options?: CallOptions): Promise<DocumentWithChunks>;
  /** Those of the ids that are documents of the collection. */
  presentDocuments(
    collection: string,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<ReadonlySet<string>>;
  listDocuments(
    collection: string,
    query: { readonly filter?: JsonValue; readonly limit: number; readonly after?: string },
    options?: CallOptions,
  ): Promise<Page<DocumentSummary>>;
  countDocuments(collection: string, filter?: JsonValue, options?: CallOptions): Promise<number>;
  deleteDocument(collection: string, id: string, options?: CallOptions): Promise<void>;
  /** Refuses a filter that matches everything (`invalid_filter`). Answers how many went. */
  deleteByFilter(collection: string, filter: JsonValue, options?: CallOptions): Promise<number>;
}
