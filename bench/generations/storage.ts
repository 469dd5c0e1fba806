/** A store of the benchmark's own, and the bytes that it keeps. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { loadConfig, parseStoreUrl } from '../../src/config.js';
import { openStore } from '../../src/runtime.js';
import type { Database } from '../../src/stores/pgvector/database.js';
import type { VectorStore } from '../../src/stores/port.js';
import { untilAtRest, withScratchIndexes } from '../support/scratch-opensearch.js';
import { withScratchDatabase } from '../support/scratch.js';

export interface Bytes {
  /** Documents, chunks, vectors, words, and the indexes over them. */
  readonly all: number;
  /** Of these the documents, which generations share; null where each has its own copy. */
  readonly documents: number | null;
}

export interface Storage {
  readonly url: string;
  readonly store: VectorStore;
  bytes(): Promise<Bytes>;
  /** Of the active generation's vector index; null where the store does not know. */
  indexBytes(collection: string): Promise<number | null>;
}

/** Whoever is given it closes the store. */
type Work = (storage: Storage) => Promise<void>;

/** @param server of a PostgreSQL or an OpenSearch; absent: an embedded database. */
export async function withStorage(server: string | undefined, work: Work): Promise<void> {
  if (server === undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
    try {
      await onTables(`pglite:${join(folder, 'data')}`, work);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return;
  }
  const { kind } = parseStoreUrl(server);
  if (kind === 'postgresql') return withScratchDatabase(server, ({ url }) => onTables(url, work));
  if (kind !== 'opensearch') throw new Error('Name a PostgreSQL, an OpenSearch, or no store');
  return withScratchIndexes(server, async (scratch) => {
    const store = await open(scratch.url);
    await work({
      url: scratch.url,
      store,
      async bytes() {
        const index = `${scratch.prefix}*`;
        await scratch.client.indices.flush({ index });
        await untilAtRest(scratch);
        const { body } = await scratch.client.indices.stats({ index, metric: 'store' });
        return { all: body._all.total.store?.size_in_bytes ?? 0, documents: null };
      },
      indexBytes: (name) => indexBytesOf(store, name),
    });
  });
}

const bytesSchema = z.object({ all: z.number(), documents: z.number() });

async function onTables(url: string, work: Work): Promise<void> {
  let database: Database | null = null;
  const store = await open(url, (opened) => {
    database = opened;
  });
  await work({
    url,
    store,
    async bytes() {
      const rows = await database?.query({
        text: `select sum(pg_total_relation_size(oid))::float8 as all,
            sum(pg_total_relation_size(oid)) filter (where relname ~ '_documents$')::float8 as documents
          from pg_class where relnamespace = 'plumbline'::regnamespace and relkind = 'r' and relname ~ '^[cg][0-9]+_'`,
        values: [],
      });
      return bytesSchema.parse(rows?.[0]);
    },
    indexBytes: (name) => indexBytesOf(store, name),
  });
}

function open(url: string, onDatabase?: (database: Database) => void): Promise<VectorStore> {
  return openStore(loadConfig({ ...process.env, PLUMBLINE_STORE_URL: url }), onDatabase);
}

async function indexBytesOf(store: VectorStore, name: string): Promise<number | null> {
  return (await store.indexBytes?.(name)) ?? null;
}
