/**
 * The composition root: configuration → adapters → {catalog, ingest, retrieve, close}. Only this
 * file names adapters; each is loaded when it is first needed.
 */
import { createCatalog, chunkerSettings } from './catalog/catalog.js';
import type { Config } from './config.js';
import type { Embedder } from './embedders/port.js';
import { EMBEDDERS, openEmbedder } from './embedders/registry.js';
import { RetrievalError } from './errors.js';
import { dryRun } from './ingest/dry-run.js';
import { ingest } from './ingest/pipeline.js';
import type { DryRunItem } from './ingest/types.js';
import { assertSamePin } from './pin.js';
import { createRetrieve } from './retrieval/retrieve.js';
import type { Runtime } from './runtime-types.js';
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
  const embedders = createEmbedderCache(
    overrides.openEmbedder ?? ((name) => openEmbedder(name, config.models, { onNotice: overrides.onNotice })),
  );
  const work = createWorkTracker();
  const catalog = createCatalog({ store, openEmbedder: embedders.open });
  const getCollection = catalog.getCollection.bind(catalog);
  const retrieve = createRetrieve({
    store,
    getCollection,
    openEmbedder: embedders.open,
    now: overrides.now ?? Date.now,
  });

  return {
    catalog,
    embedders: overrides.embedders ?? EMBEDDERS,
    store,

    ingest: (name, source, options) =>
      work.track(ingest({ store, getCollection, openEmbedder: embedders.open }, name, source, options)),

    async *dryRun(target, source, signal): AsyncGenerator<DryRunItem> {
      const [embedderName, chunker] =
        typeof target === 'string'
          ? await getCollection(target, signal === undefined ? {} : { signal }).then(
              ({ generation }) => [generation.embedder, generation.chunker] as const,
            )
          : ([target.embedder, chunkerSettings(target.chunker)] as const);
      const { tokenizer } = await embedders.open(embedderName);
      yield* dryRun(source, chunker, tokenizer, signal);
    },

    retrieve: (name, request, options) => work.track(retrieve(name, request, options)),

    async checkPins(options) {
      for (const { name, generation } of await store.listCollections(options)) {
        const embedder = await embedders.open(generation.embedder);
        assertSamePin(name, generation.pin, embedder.pin);
      }
    },

    async close() {
      work.end();
      await work.settled();
      await embedders.close();
      await store.close();
    },
  };
}

async function openStore(config: Config): Promise<VectorStore> {
  const { store: location, postgres } = config;
  switch (location.kind) {
    case 'memory': {
      const { createMemoryStore } = await import('./stores/memory/index.js');
      return createMemoryStore();
    }
    case 'pglite':
    case 'postgresql': {
      const { openPgVectorStore } = await import('./stores/pgvector/index.js');
      return openPgVectorStore({
        connection: location.kind === 'pglite' ? location : { ...location, poolSize: postgres.poolSize },
        statementTimeoutMs: postgres.statementTimeoutMs,
      });
    }
    case 'opensearch': {
      const { openOpenSearchStore } = await import('./stores/opensearch/index.js');
      return openOpenSearchStore(location);
    }
    case 'oracle': {
      const { openOracleStore } = await import('./stores/oracle/index.js');
      return openOracleStore(location.options);
    }
    default:
      return location satisfies never;
  }
}

interface EmbedderCache {
  readonly open: (name: string) => Promise<Embedder>;
  readonly close: () => Promise<void>;
}

function createEmbedderCache(open: (name: string) => Promise<Embedder>): EmbedderCache {
  const opened = new Map<string, Promise<Embedder>>();
  return {
    open(name) {
      const known = opened.get(name);
      if (known !== undefined) return known;
      const opening = open(name);
      opened.set(name, opening);
      // A model that could not be had now may be had later.
      opening.catch(() => opened.delete(name));
      return opening;
    },
    async close() {
      const results = await Promise.allSettled(opened.values());
      await Promise.all(
        results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.close()] : [])),
      );
    },
  };
}

interface WorkTracker {
  track<T>(work: Promise<T>): Promise<T>;
  /** Nothing new is taken from now on. */
  end(): void;
  settled(): Promise<void>;
}

function createWorkTracker(): WorkTracker {
  const running = new Set<Promise<unknown>>();
  let ended = false;
  return {
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
    end() {
      ended = true;
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}
