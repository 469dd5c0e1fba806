import type { AnswerEvent, AnswerRequest } from './answer/schema.js';
import type { ManagedCollection } from './catalog/managed.js';
import type { Catalog, NewCollection } from './catalog/types.js';
import type { BackgroundBuilds } from './generations/background.js';
import type { GateReports } from './generations/gate-reports.js';
import type { EvalSets } from './generations/eval-sets.js';
import type { Generations } from './generations/types.js';
import type { DryRunItem, IngestOptions, IngestSummary, Source } from './ingest/types.js';
import type { QueryLog } from './monitoring/query-log.js';
import type { Monitoring } from './monitoring/types.js';
import type { QueryAnswer, QueryRequest } from './retrieval/schema.js';
import type { WhyAnswer, WhyRequest } from './retrieval/why-schema.js';
import type { CallOptions, VectorStore } from './stores/port.js';

/** Everything the CLI, the API and the eval harness work through. Made by `openRuntime`. */
export interface Runtime {
  readonly catalog: Catalog;
  /** Collections that another service keeps, by name. `retrieve` and `answer` take them as any other. */
  readonly managed: readonly ManagedCollection[];
  /** Changing the model of a collection beside the one that answers. */
  readonly generations: Generations;
  /** Questions with what they are expected to find, kept with their collection. */
  readonly evalSets: EvalSets;
  /** What gates found. */
  readonly gateReports: GateReports;
  /** Builds of generations that go on in this process. */
  readonly builds: BackgroundBuilds;
  /** Ids of the embedders that collections can be created with. */
  readonly embedders: readonly string[];
  /** Watches the quality of answers, once it is started; absent in runtimes of another making. */
  readonly monitoring?: Monitoring;
  /** Told of every query that somebody asks; absent where questions are not logged. */
  readonly queryLog?: Pick<QueryLog, 'queried'>;
  /** For probes and metrics only; work goes through catalog, ingest and retrieve. */
  readonly store: Pick<VectorStore, 'kind' | 'ping' | 'capabilities' | 'generations'>;
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
  /** Where a query lost a document that was expected. */
  why(collection: string, request: WhyRequest, options?: CallOptions): Promise<WhyAnswer>;
  retrieve(collection: string, request: QueryRequest, options?: CallOptions): Promise<QueryAnswer>;
  /** An answer with citations, as it comes. With `whole` the model is asked for all at once. */
  answer(
    collection: string,
    request: AnswerRequest,
    how: 'whole' | 'streamed',
    options?: CallOptions,
  ): AsyncIterableIterator<AnswerEvent>;
  /** Rejects with `model_mismatch` when a collection's pin is not what its embedder now is. */
  checkPins(options?: CallOptions): Promise<void>;
  /** Waits for running work, then frees models, connections and the data folder. */
  close(): Promise<void>;
}
