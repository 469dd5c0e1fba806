/**
 * The composition root of `plumbline conformance` and `plumbline doctor`: a bare store beside a way to
 * look into its backend, and a probe that needs no store.
 */
import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from './config.js';
import type { DataFolder, EmbedderState, Finding, Instruments } from './doctor/types.js';
import { watchModel } from './embedders/canaries.js';
import { EMBEDDERS, openEmbedder } from './embedders/registry.js';
import { inspectMiniLm } from './embedders/minilm/inspect.js';
import { MINILM_MODELS } from './embedders/minilm/models.js';
import { openStore } from './runtime.js';
import type { Inspector, Probe } from './stores/inspection.js';
import type { Database } from './stores/pgvector/database.js';
import type { CallOptions, VectorStore } from './stores/port.js';

export interface Backend {
  readonly store: VectorStore;
  readonly inspector: Inspector;
}

/**
 * Opens the configured store, and a way to look into its backend.
 * @throws RetrievalError as opening a runtime does
 */
export async function openBackend(config: Config): Promise<Backend> {
  let database: Database | undefined;
  const store = await openStore(config, (opened) => {
    database = opened;
  });
  if (database !== undefined) return { store, inspector: await inspectorOver(database) };
  try {
    const probe = await openProbe(config);
    return { store, inspector: inspectorOf(probe) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function inspectorOver(database: Database): Promise<Inspector> {
  const { inspectPostgres } = await import('./stores/pgvector/inspect.js');
  const { explainLegs } = await import('./stores/pgvector/explain.js');
  return {
    inspect: (options) =>
      inspectPostgres(database.kind, (text, values = []) => database.query({ text, values }, options)),
    plans: (collection, query, options) => explainLegs(database, collection, query, options),
    // The connections are the store's.
    close: () => Promise.resolve(),
  };
}

function inspectorOf(probe: Probe | null): Inspector {
  return {
    inspect: async (options) => (probe === null ? { kind: 'memory' } : probe.inspect(options)),
    plans: () => Promise.resolve(null),
    close: async () => probe?.close(),
  };
}

/**
 * Connects without opening a store; null where there is no backend to look into.
 * @throws RetrievalError `store_unavailable`, `data_folder_in_use`, `store_error`, `invalid_config`
 */
async function openProbe({ store: location, postgres, opensearch }: Config): Promise<Probe | null> {
  switch (location.kind) {
    case 'memory':
      return null;
    case 'pglite': {
      const { openPgliteProbe } = await import('./stores/pgvector/probe.js');
      return openPgliteProbe(location.folder, postgres.statementTimeoutMs);
    }
    case 'postgresql': {
      const { openPostgresProbe } = await import('./stores/pgvector/probe.js');
      return openPostgresProbe({ ...location, ...postgres });
    }
    case 'opensearch': {
      const { openOpenSearchProbe } = await import('./stores/opensearch/inspect.js');
      return openOpenSearchProbe({ ...location, ...opensearch });
    }
    case 'oracle': {
      const { openOracleProbe } = await import('./stores/oracle/inspect.js');
      return openOracleProbe(location.options);
    }
    default:
      return location satisfies never;
  }
}

/** Null for a store that keeps nothing on this machine. */
async function inspectDataFolder({ store }: Config): Promise<DataFolder | null> {
  if (store.kind !== 'pglite') return null;
  const path = resolve(store.folder);
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const writable = await access(nearest, constants.W_OK).then(
    () => true,
    () => false,
  );
  return { path, exists: existsSync(join(path, 'pgdata')), writable };
}

/**
 * Looks at the embedder of that name. A remote one is opened, and closed again.
 * @throws RetrievalError what opening a remote embedder throws
 */
async function inspectEmbedder(
  name: string,
  { models }: Config,
  { signal }: CallOptions,
): Promise<EmbedderState> {
  const local = Object.values(MINILM_MODELS).find((model) => model.name === name);
  if (local !== undefined) {
    return inspectMiniLm(local.name, { dir: models.dir, cacheDir: models.cacheDir, signal });
  }
  if (!EMBEDDERS.some((known) => known === name)) return { name, pin: null, files: 'missing' };
  const embedder = await openEmbedder(name, models, { signal });
  try {
    if (embedder.remote === undefined) return { name, pin: embedder.pin, files: 'present' };
    // Only its vectors for known texts tell which model it is.
    const { pin } = await watchModel(embedder, { now: () => performance.now(), signal });
    return { name, pin, files: 'remote' };
  } finally {
    await embedder.close();
  }
}

/** Asks each configured embedder on Bedrock for one vector. */
export async function probeEmbedders(
  { models }: Config,
  { signal }: CallOptions,
): Promise<readonly Finding[]> {
  const { probeBedrock } = await import('./embedders/bedrock/probe.js');
  return probeBedrock(models.remote.bedrock, signal);
}

/** Makes empty in-memory stores: what every other store has to agree with. */
export async function loadReference(): Promise<() => VectorStore> {
  const { createMemoryStore } = await import('./stores/memory/index.js');
  return createMemoryStore;
}

/** What the doctor looks at with this configuration. */
export function createInstruments(config: Config): Instruments {
  return {
    openProbe: () => openProbe(config),
    dataFolder: () => inspectDataFolder(config),
    async listCollections(options) {
      const store = await openStore(config);
      try {
        return await store.listCollections(options);
      } finally {
        await store.close();
      }
    },
    inspectEmbedder: (name, options) => inspectEmbedder(name, config, options),
    defaultEmbedder: EMBEDDERS[0],
    poolSize: config.postgres.poolSize,
    scratch: `doctor_${randomBytes(6).toString('hex')}`,
  };
}
