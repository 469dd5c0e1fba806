/**
 * The domain's types. This file imports nothing; everything else may import it.
 *
 * All data is readonly. Character offsets are UTF-16 code units into a document's `text`
 * (what `String.prototype.slice` takes). Times are ISO 8601 strings at the edges and
 * milliseconds since the epoch inside.
 */

/** Any JSON value. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A JSON object. */
export type JsonObject = Readonly<Record<string, JsonValue>>;

// ---------------------------------------------------------------------------------------------
// Metadata fields and filters

/** The type of a single metadata value. A `date` is an instant, held as epoch milliseconds. */
export type ScalarType = 'keyword' | 'number' | 'boolean' | 'date';

/** A field's type: a scalar, or a list of one scalar type (written `keyword[]`). */
export type FieldType = ScalarType | `${ScalarType}[]`;

/** Field path (dots join nested keys) → type. */
export type Fields = Readonly<Record<string, FieldType>>;

/** A value as a filter and a store see it: a date is its epoch milliseconds. */
export type Scalar = string | number | boolean;

/** Field path → typed value of one document. A missing field has no key; a list is never empty. */
export type FieldValues = Readonly<Record<string, Scalar | readonly Scalar[]>>;

/** A declared field, as a parsed filter names it. */
export interface FieldRef {
  readonly name: string;
  readonly type: FieldType;
}

export type CompareOperator = 'eq' | 'gt' | 'gte' | 'lt' | 'lte';

/**
 * A parsed, typed filter. Values are already of the field's scalar type (dates as epoch ms).
 *
 * Meaning: on a missing field `compare` and `in` are false and `exists` with `exists: false` is
 * true; `not` is plain two-valued negation. On a list field `compare` and `in` are true when any
 * element satisfies them. `$ne` and `$nin` have been rewritten to `not` around `eq` and `in`.
 * Strings compare by code point.
 */
export type Filter =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  | { readonly kind: 'and'; readonly filters: readonly Filter[] }
  | { readonly kind: 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | {
      readonly kind: 'compare';
      readonly field: FieldRef;
      readonly operator: CompareOperator;
      readonly value: Scalar;
    }
  | { readonly kind: 'in'; readonly field: FieldRef; readonly values: readonly Scalar[] }
  | { readonly kind: 'exists'; readonly field: FieldRef; readonly exists: boolean };

// ---------------------------------------------------------------------------------------------
// Documents and chunks

/** What a block of a document is. `other` is text that no parser rule claims. */
export type BlockKind = 'heading' | 'paragraph' | 'list' | 'table' | 'code' | 'quote' | 'other';

/**
 * A piece of a document's text: `text.slice(start, end)`. Blocks are in order and do not overlap;
 * what lies between two of them is white space only.
 */
export interface Block {
  readonly kind: BlockKind;
  readonly start: number;
  readonly end: number;
  /** 1 to 6, on headings only. */
  readonly level?: number;
  /** A heading's own words, without markup; on headings only. */
  readonly title?: string;
}

/** How a source's content is written. */
export type Format = 'markdown' | 'html' | 'text';

/** What a source yields before parsing. */
export interface RawDocument {
  readonly id: string;
  readonly format: Format;
  readonly content: string;
  /** Overrides a title found in the content. */
  readonly title?: string;
  readonly source?: string;
  readonly metadata: JsonObject;
}

/** What a source yields after parsing: canonical text with its structure, and metadata. */
export interface Document {
  readonly id: string;
  readonly title: string | null;
  /** Where it came from: a path, a URL; shown as the citation. */
  readonly source: string | null;
  /** Well-formed Unicode without NUL. */
  readonly text: string;
  readonly blocks: readonly Block[];
  /** As given by the user (front matter, options), plus what the source knows. */
  readonly metadata: JsonObject;
}

/** How a chunk's borders came about: at a block's border, inside one at a sentence, or at a token. */
export type ChunkSplit = 'block' | 'sentence' | 'token';

/** A passage of one document. */
export interface Chunk {
  /** Content-derived: a hash of document id, indexed text, and the occurrence among equals. */
  readonly id: string;
  readonly documentId: string;
  /** Position among the document's chunks, from 0. */
  readonly ordinal: number;
  /** Span in the document's text, overlap included. */
  readonly start: number;
  readonly end: number;
  /** Leading characters of the span that repeat the end of the chunk before. */
  readonly overlap: number;
  /** Document title first, then the headings down to this chunk's section. */
  readonly headingPath: readonly string[];
  /** The span's text; a split table or code block carries its header row or fences again. */
  readonly text: string;
  /** What is embedded and keyword-indexed: the heading path, then the text. */
  readonly indexedText: string;
  /** Tokens of `indexedText` by the pinned tokenizer, special tokens not counted. */
  readonly tokens: number;
  readonly split: ChunkSplit;
}

/** A chunk with its vector. */
export interface EmbeddedChunk extends Chunk {
  readonly vector: Float32Array;
}

// ---------------------------------------------------------------------------------------------
// Models

/** Whether a text is stored or asked: some models embed the two differently. */
export type InputType = 'document' | 'query';

/**
 * A known text's vector, taken when a generation was made. It stands for the weights' hash where a
 * remote provider keeps the weights.
 */
export interface Canary {
  /** Which of the known texts; they are part of the code. */
  readonly text: string;
  readonly inputType: InputType;
  /** Little-endian 32-bit floats in Base64. */
  readonly vector: string;
}

/**
 * Everything that decides a vector. Two pins that differ in any field but `canaries` are different
 * models; canaries are compared by how near they are.
 */
export interface Pin {
  readonly provider: string;
  readonly model: string;
  readonly revision: string;
  /** Hex SHA-256 of the weights file; null where a remote provider keeps it. */
  readonly weightsSha256: string | null;
  /** Hex SHA-256 of tokenizer.json; null where a remote provider keeps it. */
  readonly tokenizerSha256: string | null;
  readonly dimensions: number;
  readonly pooling: 'mean' | 'cls' | 'provider';
  readonly normalized: boolean;
  readonly precision: string;
  /** What is put before a text, or the input type that the model is told: `input_type:search_document`. */
  readonly documentPrefix: string;
  readonly queryPrefix: string;
  /** On stored pins of remote models only. */
  readonly canaries?: readonly Canary[];
}

/** Counts and cuts text as one model does. Pure and synchronous. */
export interface Tokenizer {
  /** Tokens of `text`, special tokens not counted. Linear in the text's length. */
  count(text: string): number;
  /** Most tokens a text may have to be embedded whole (the window less special tokens). */
  readonly maxTokens: number;
  /** Most UTF-16 code units a text may have, where the model limits those too. */
  readonly maxCharacters?: number;
  /** What it is, for records: `wordpiece:<sha256>`, `tiktoken:cl100k_base`. */
  readonly name: string;
}

// ---------------------------------------------------------------------------------------------
// Collections

/** `cosine` similarity, `dot` product, or Euclidean distance (`l2`). */
export type Metric = 'cosine' | 'dot' | 'l2';

export type Compression = '2x' | '4x' | '8x' | '16x' | '32x';

/**
 * An index in parts, by the values of one field: a filter on that field searches only the parts that
 * can hold a match. Documents without the field have a part of their own.
 */
export interface Partitions {
  /** A field of the collection, of one value. */
  readonly field: string;
  /** Parts that values are spread over. */
  readonly count: number;
  /** `month` and `year`, in UTC, are for dates; `value` for all other types. */
  readonly by: 'value' | 'month' | 'year';
}

/**
 * The approximate index. It is built when a generation holds `buildAfter` chunks or more; with
 * fewer, exact search is at least as fast.
 */
export type VectorIndex =
  | {
      readonly kind: 'hnsw';
      readonly m: number;
      readonly efConstruction: number;
      readonly buildAfter: number;
      /** The graph's vectors are so much smaller; whole where absent. Scores are those of whole ones. */
      readonly compression?: Compression;
      /** The whole vectors are read from disk when they are needed: less memory, slower. */
      readonly onDisk?: true;
      /** One graph where absent. */
      readonly partitions?: Partitions;
    }
  | { readonly kind: 'ivfflat'; readonly lists: number | 'auto'; readonly buildAfter: number }
  | { readonly kind: 'none' };

/** Along the document's structure: whole blocks, sections kept apart. */
export interface StructureChunker {
  readonly kind: 'structure';
  /** Tokens a chunk's own text aims at; where the model's window is smaller, four fifths of that. */
  readonly targetTokens: number;
  /** Tokens repeated from the chunk before, inside one section. */
  readonly overlapTokens: number;
}

/** So many tokens a chunk, whatever the text: a baseline to compare with. */
export interface FixedChunker {
  readonly kind: 'fixed';
  readonly targetTokens: number;
  /** Tokens repeated from the chunk before. */
  readonly overlapTokens: number;
}

/** Borders where neighbouring sentences mean different things, by the pinned model. */
export interface SemanticChunker {
  readonly kind: 'semantic';
  readonly maxTokens: number;
  /** Sentences on either side that are embedded with each one. */
  readonly bufferSize: number;
  /** A distance above this percentile of the document's distances is a border. */
  readonly breakpointPercentile: number;
}

/** Small children are searched; the parent passage of the one that matched is the hit. */
export interface HierarchicalChunker {
  readonly kind: 'hierarchical';
  readonly childTokens: number;
  readonly parentTokens: number;
}

/** How a generation's documents are cut into chunks. */
export type ChunkerSettings = StructureChunker | FixedChunker | SemanticChunker | HierarchicalChunker;

/** `declared`: only the given fields can be filtered on. `inferred`: new ones are added as met. */
export type FieldMode = 'declared' | 'inferred';

/** Stemming and stop words of the keyword leg. `none`: words as they are. */
export type Language = 'english' | 'none';

/** One embedding of a collection. */
export interface Generation {
  /** Unique in its store. */
  readonly id: number;
  readonly state: 'building' | 'active' | 'retired';
  readonly embedder: string;
  readonly pin: Pin;
  readonly chunker: ChunkerSettings;
  readonly metric: Metric;
  readonly index: VectorIndex;
}

export interface Collection {
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly fieldMode: FieldMode;
  readonly fields: Fields;
  readonly language: Language;
  /** The active generation. */
  readonly generation: Generation;
}
