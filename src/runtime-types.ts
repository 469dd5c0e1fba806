import type { Catalog, NewCollection } from './catalog/types.js';
import type { DryRunItem, IngestOptions, IngestSummary, Source } from './ingest/types.js';
import type { QueryAnswer, QueryRequest } from './retrieval/schema.js';
import type { CallOptions, VectorStore } from './stores/port.js';

/** Everything the CLI, the API and the eval harness work through. Made by `openRuntime`. */
export interface Runtime {
  readonly catalog: Catalog;
  /** Ids of the embedders that collections can be created with. */
  readonly embedders: readonly string[];
  /** For probes and metrics only; work goes through catalog, ingest and retrieve. */
  readonly store: Pick<VectorStore, 'kind' | 'ping' | 'capabilities'>;
  ingest(collection: string, source: Source, options?: IngestOptions): Promise<IngestSummary>;
  /**
   * The chunks an ingest would make, without embedding or writing: into that collection, or into
   * a new one with that embedder and chunker.
   */
  dryRun(
    target: string | Pick<NewCollection, 'embedder' | 'chunker'>,
    source: Source,
    signal?: AbortSignal,
  ): AsyncIterable<DryRunItem>;
  retrieve(collection: string, request: QueryRequest, options?: CallOptions): Promise<QueryAnswer>;
  /** Rejects with `model_mismatch` when a collection's pin is not what its embedder now is. */
  checkPins(options?: CallOptions): Promise<void>;
  /** Waits for running work, then frees models, connections and the data folder. */
  close(): Promise<void>;
}
