import type { NewChunker, NewVectorIndex } from '../catalog/types.js';
import type { JsonObject, Metric } from '../model.js';
import type { GenerationRecord } from '../stores/generations-port.js';
import type { CallOptions } from '../stores/port.js';

/** What a new generation is to have; what is left out is as in the active one. */
export interface NewGeneration {
  readonly embedder?: string;
  readonly chunker?: NewChunker;
  readonly metric?: Metric;
  readonly index?: NewVectorIndex;
}

/** A generation as callers see it. */
export interface GenerationDescription extends GenerationRecord {
  readonly modelVersion: string;
  /** The latest gate that compared it with the generation that was active then; null before one has. */
  readonly gate: GateVerdict | null;
}

export interface GateVerdict {
  readonly passed: boolean;
  /** The generation it was compared with. */
  readonly against: number;
  /** ISO 8601. */
  readonly at: string;
  /** Why it failed, a sentence each; none when it passed. */
  readonly reasons: readonly string[];
}

export interface BuildProgress {
  /** Documents with text, as counted at the start. */
  readonly totalDocuments: number;
  /** Documents that the generation holds. */
  readonly documents: number;
  /** Chunks written by this call. */
  readonly chunks: number;
  readonly embedded: number;
  readonly elapsedMs: number;
}

export interface BuildSummary {
  readonly generation: number;
  /** Documents and chunks that this call wrote. */
  readonly documents: number;
  readonly chunks: number;
  /** Texts the embedder was asked for. */
  readonly embedded: number;
  /** Chunks whose vector was taken over from the active generation: same model, same text. */
  readonly reused: number;
  readonly elapsedMs: number;
}

/** Who does something, and why; both are kept in the history. */
export interface Author {
  readonly by: string;
  readonly reason?: string;
}

export interface HistoryEntry {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly event: string;
  readonly by: string;
  readonly details: JsonObject;
}

/**
 * The generations of collections. All reject with `collection_not_found` where there is none of
 * that name, and with `unsupported_capability` where the store keeps one generation only.
 */
export interface Generations {
  list(collection: string, options?: CallOptions): Promise<readonly GenerationDescription[]>;
  /** Makes an empty generation beside the active one. `generation_conflict` while another is built. */
  start(
    collection: string,
    input: NewGeneration,
    author: Author,
    options?: CallOptions,
  ): Promise<GenerationDescription>;
  /**
   * Fills a generation from the stored documents until none is missing. Goes on where an earlier
   * call stopped. `generation` left out: the one that is being built.
   */
  build(
    collection: string,
    generation: number | undefined,
    author: Author,
    options?: CallOptions & { readonly onProgress?: (progress: BuildProgress) => void },
  ): Promise<BuildSummary>;
  /**
   * Makes a generation the active one. What was written since it was built is built first.
   * `gate_failed` unless its latest gate against the active generation has passed, or `force`.
   */
  activate(
    collection: string,
    generation: number,
    author: Author & { readonly force?: boolean },
    options?: CallOptions,
  ): Promise<GenerationDescription>;
  /** Makes the generation active again that was before; no gate is asked. */
  rollback(collection: string, author: Author, options?: CallOptions): Promise<GenerationDescription>;
  /** Drops a generation that is not active. */
  drop(collection: string, generation: number, author: Author, options?: CallOptions): Promise<void>;
  /** Drops generations that were retired so many days ago or more; answers their ids. */
  collectGarbage(
    collection: string,
    days: number,
    author: Author,
    options?: CallOptions,
  ): Promise<readonly number[]>;
  /** The latest first. */
  history(
    collection: string,
    query: { readonly limit: number; readonly before?: number },
    options?: CallOptions,
  ): Promise<readonly HistoryEntry[]>;
  /** Keeps what a gate found; its `generation`, `against`, `passed` and `reasons` decide over activation. */
  recordGate(
    collection: string,
    result: JsonObject &
      Pick<GateVerdict, 'passed' | 'against' | 'reasons'> & { readonly generation: number },
    author: Author,
    options?: CallOptions,
  ): Promise<void>;
  /** Keeps a step of the history that was done elsewhere. */
  note(
    collection: string,
    event: string,
    details: JsonObject,
    author: Author,
    options?: CallOptions,
  ): Promise<void>;
}
