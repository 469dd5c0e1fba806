/**
 * The composition root: configuration → adapters → {catalog, ingest, retrieve, close}. Only this
 * file names adapters; each is loaded when it is first needed.
 */
import { openBedrockParts } from './bedrock/compose.js';
import { createCatalog } from './catalog/catalog.js';
import { chunkerSettings } from './catalog/chunker.js';
import { withManaged } from './catalog/managed.js';
import type { Config } from './config.js';
import { createEmbedders } from './embedders/opened.js';
import type { Embedder } from './embedders/port.js';
import { EMBEDDERS, openEmbedder } from './embedders/registry.js';
import { RetrievalError } from './errors.js';
import { createBackgroundBuilds } from './generations/background.js';
import { createEvalSets } from './generations/eval-sets.js';
import { createGateReports } from './generations/gate-reports.js';
import { createGenerations } from './generations/generations.js';
import { generationsBeingBuilt } from './generations/lease.js';
import { dryRun } from './ingest/dry-run.js';
import { ingest } from './ingest/pipeline.js';
import type { IngestPorts } from './ingest/pipeline.js';
import type { DryRunItem } from './ingest/types.js';
import { watchEmbedders, watchReranker, watchStore } from './monitoring/instrument.js';
import { createMonitor } from './monitoring/monitor.js';
import { createQueryLog } from './monitoring/query-log.js';
import type { Tracing } from './monitoring/tracing.js';
import { assertSamePin } from './pin.js';
import { createRetrieve } from './retrieval/retrieve.js';
import { createWhy } from './retrieval/why.js';
import type { Runtime } from './runtime-types.js';
import type { Database } from './stores/pgvector/database.js';
import type { VectorStore } from './stores/port.js';

/** Adapters to use instead of the configured ones: a program's own, or a test's. */
export interface RuntimeOverrides {
  readonly store?: VectorStore;
  /** Opens the embedder of that name, at most once a runtime. */
  readonly openEmbedder?: (name: string) => Promise<Embedder>;
  readonly embedders?: readonly string[];
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** Told of slow first steps, such as fetching a model. */
  readonly onNotice?: (message: string) => void;
}

/**
 * Opens the store and makes a runtime over it. Embedders are opened at their first use.
 * @throws RetrievalError `store_unavailable`, `data_folder_in_use`, `schema_too_new`
 */
export async function openRuntime(config: Config, overrides: RuntimeOverrides = {}): Promise<Runtime> {
  const store = overrides.store ?? (await openStore(config));
  try {
    return await compose(config, overrides, store);
  } catch (error) {
    // Whoever starts again must find the data folder free.
    if (overrides.store === undefined) await store.close().catch(() => undefined);
    throw error;
  }
}

async function compose(config: Config, overrides: RuntimeOverrides, store: VectorStore): Promise<Runtime> {
  const embedders = createEmbedders({
    open:
      overrides.openEmbedder ??
      ((name) => openEmbedder(name, config.models, { onNotice: overrides.onNotice })),
    canaryIntervalMs: config.models.remote.canaryIntervalMs,
    onNotice: overrides.onNotice,
  });
  const work = createWorkTracker();
  const bedrock = await openBedrockParts(config, store, (reranker) =>
    watchReranker(reranker, (name, facts, run) => monitor.step(name, facts, run)),
  );
  const catalog = withManaged(createCatalog({ store, openEmbedder: embedders.open }), bedrock.collections);
  const getCollection = catalog.getCollection.bind(catalog);
  const tracing = await openTraces(config.monitoring.tracing);
  const monitor = createMonitor({
    store,
    tracing,
    settings: config.monitoring,
    now: overrides.now ?? Date.now,
    ask: (name, request, options) => work.track(retrieve(name, request, options)),
  });
  const watched = watchStore(store, monitor.step);
  const retrieveOwn = createRetrieve({
    store: watched,
    getCollection,
    openEmbedder: watchEmbedders(embedders.open, monitor.step),
    now: overrides.now ?? Date.now,
    reranker: bedrock.reranker,
    onAnswered: monitor.answered,
  });
  const { retrieve, answer: answerOf } = bedrock.over((name, request, options) =>
    monitor.step('query', { collection: name, mode: request.mode, top_k: request.top_k }, () =>
      retrieveOwn(name, request, options),
    ),
  );
  const answer = monitor.answers(answerOf);
  const { queryLogFile } = config;
  const queryLog =
    queryLogFile === null
      ? null
      : createQueryLog({
          path: queryLogFile,
          now: overrides.now ?? Date.now,
          onNotice: overrides.onNotice,
        });
  const { records } = store;
  const ingestPorts: IngestPorts = {
    store: watched,
    getCollection,
    openEmbedder: watchEmbedders(embedders.openMeasured, monitor.step),
    onChunking: (chunk) => monitor.step('chunk', {}, chunk),
    ...(records === undefined
      ? {}
      : { beingBuilt: (name, options) => generationsBeingBuilt(records, name, options) }),
  };

  const generations = createGenerations({
    store,
    getCollection,
    openEmbedder: embedders.open,
    now: overrides.now ?? Date.now,
  });
  const builds = createBackgroundBuilds({
    build: monitor.build((...args) => generations.build(...args)),
  });
  const why = createWhy({
    store,
    getCollection,
    openEmbedder: embedders.open,
    now: overrides.now ?? Date.now,
    reranker: bedrock.reranker,
  });

  return {
    catalog,
    managed: bedrock.collections,
    generations,
    builds,
    evalSets: createEvalSets(store, catalog),
    gateReports: createGateReports(store),
    embedders: overrides.embedders ?? EMBEDDERS,
    monitoring: monitor,
    ...(queryLog === null ? {} : { queryLog }),
    store,

    ingest: (name, source, options) =>
      work.track(
        monitor.ingest(
          monitor.step('ingest', { collection: name }, () => ingest(ingestPorts, name, source, options)),
        ),
      ),

    async *dryRun(target, source, signal): AsyncGenerator<DryRunItem> {
      const [embedderName, chunker] =
        typeof target === 'string'
          ? await getCollection(target, signal === undefined ? {} : { signal }).then(
              ({ generation }) => [generation.embedder, generation.chunker] as const,
            )
          : ([target.embedder, chunkerSettings(target.chunker)] as const);
      yield* dryRun(source, chunker, await embedders.openUnwatched(embedderName), signal);
    },

    retrieve: (name, request, options) => work.track(retrieve(name, request, options)),

    why: (name, request, options) => work.track(why(name, request, options)),

    answer: (name, request, how, options) => {
      const events = answer(name, request, how, options);
      return work.trackEach(queryLog === null ? events : queryLog.answering(name, request, events));
    },

    async checkPins(options) {
      for (const { name, generation } of await store.listCollections(options)) {
        const embedder = await reachable(embedders.open(generation.embedder), overrides.onNotice);
        if (embedder !== null) assertSamePin(name, generation.pin, embedder.pin);
      }
    },

    async close() {
      work.end();
      monitor.close();
      await builds.close();
      await work.settled();
      await queryLog?.close();
      await embedders.close();
      await bedrock.close();
      await store.close();
      await tracing?.close();
    },
  };
}

/** Null without a collector; OpenTelemetry is then not even loaded. */
async function openTraces(settings: Config['monitoring']['tracing']): Promise<Tracing | null> {
  if (settings === null) return null;
  const { openTracing } = await import('./monitoring/tracing.js');
  return openTracing(settings);
}

/** The configured store alone. @param onDatabase given what a store on PostgreSQL or PGlite works on */
export async function openStore(
  config: Config,
  onDatabase?: (database: Database) => void,
): Promise<VectorStore> {
  const { store: location, postgres, opensearch } = config;
  switch (location.kind) {
    case 'memory': {
      const { createMemoryStore } = await import('./stores/memory/index.js');
      return createMemoryStore();
    }
    case 'pglite':
    case 'postgresql': {
      const { openPgVectorStore } = await import('./stores/pgvector/index.js');
      return openPgVectorStore({
        connection: location.kind === 'pglite' ? location : { ...location, ...postgres },
        statementTimeoutMs: postgres.statementTimeoutMs,
        ...(onDatabase === undefined ? {} : { onDatabase }),
      });
    }
    case 'opensearch': {
      const { openOpenSearchStore } = await import('./stores/opensearch/index.js');
      return openOpenSearchStore({ ...location, ...opensearch });
    }
    case 'oracle': {
      const { openOracleStore } = await import('./stores/oracle/index.js');
      return openOracleStore(location.options);
    }
    default:
      return location satisfies never;
  }
}

/**
 * The embedder, or null when its provider cannot be reached now: that must not keep a server from
 * starting. Its first query checks the pin.
 */
async function reachable(
  opening: Promise<Embedder>,
  onNotice: RuntimeOverrides['onNotice'],
): Promise<Embedder | null> {
  try {
    return await opening;
  } catch (error) {
    if (!(error instanceof RetrievalError) || !error.retryable || error.code === 'cancelled') throw error;
    onNotice?.(`A model is not checked at the start: ${error.message}`);
    return null;
  }
}

interface WorkTracker {
  track<T>(work: Promise<T>): Promise<T>;
  /** Work that comes in parts: it ends when it is read to its end, or left. */
  trackEach<T>(work: AsyncGenerator<T>): AsyncGenerator<T>;
  /** Nothing new is taken from now on. */
  end(): void;
  settled(): Promise<void>;
}

function createWorkTracker(): WorkTracker {
  const running = new Set<Promise<unknown>>();
  let ended = false;
  const tracker: WorkTracker = {
    track(work) {
      if (ended) {
        work.catch(() => undefined);
        return Promise.reject(new RetrievalError('overloaded', 'Plumbline is shutting down'));
      }
      running.add(work);
      const done = (): void => {
        running.delete(work);
      };
      work.then(done, done);
      return work;
    },
    async *trackEach(work) {
      let finish: () => void = () => undefined;
      await tracker.track(Promise.resolve());
      void tracker.track(
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
      );
      try {
        yield* work;
      } finally {
        finish();
      }
    },
    end() {
      ended = true;
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
  return tracker;
}
