/**
 * The stores that suites run on: `PLUMBLINE_TEST_STORES`, a list of `memory`, `pglite`, `postgres`
 * (this one at `PLUMBLINE_TEST_POSTGRES_URL`), `opensearch` (at `PLUMBLINE_TEST_OPENSEARCH_URL`),
 * `oracle-double` (the Oracle store over a stand-in for
 * its server) and `oracle` (at `PLUMBLINE_TEST_ORACLE_URL`). One that was asked for and cannot be
 * had fails its suite; nothing is skipped in silence.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { createDatabase } from '../../src/stores/pgvector/database.js';
import type { Database } from '../../src/stores/pgvector/database.js';
import type { VectorStore } from '../../src/stores/port.js';
import { openTestOpenSearch } from './opensearch.js';
import { openOracleDouble, openOracleServer } from './oracle.js';

const NAMES = ['memory', 'pglite', 'postgres', 'opensearch', 'oracle-double', 'oracle'] as const;
const DEFAULT_NAMES = 'memory,pglite';
const STATEMENT_TIMEOUT_MS = 60_000;

export type StoreName = (typeof NAMES)[number];
export type DatabaseName = Extract<StoreName, 'pglite' | 'postgres'>;

type Connection =
  | { readonly kind: 'pglite'; readonly folder: string }
  | { readonly kind: 'postgresql'; readonly url: string; readonly poolSize: number };

export interface TestDatabase {
  readonly connection: Connection;
  readonly remove: () => Promise<void>;
}

/** A store of its own, empty. Opening an embedded database takes seconds: one a suite is enough. */
export interface OpenedStore {
  readonly store: VectorStore;
  /** Closes the store and removes what it kept. */
  close(): Promise<void>;
}

export interface TestStore {
  readonly name: StoreName;
  readonly open: () => Promise<OpenedStore>;
}

/** The names asked for. @throws Error for an unknown name, or a list of none. */
export function storeNames(): readonly StoreName[] {
  const asked = (process.env['PLUMBLINE_TEST_STORES'] ?? DEFAULT_NAMES)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (asked.length === 0) throw new Error('PLUMBLINE_TEST_STORES names no store');
  const names = asked.map((name) => {
    const known = NAMES.find((one) => one === name);
    if (known === undefined) {
      throw new Error(`PLUMBLINE_TEST_STORES names "${name}"; known are ${NAMES.join(', ')}`);
    }
    return known;
  });
  return [...new Set(names)];
}

/** Those of the names asked for that are PostgreSQL databases. */
export function databaseNames(): readonly DatabaseName[] {
  return storeNames().filter((name) => name === 'pglite' || name === 'postgres');
}

export function testStores(): readonly TestStore[] {
  return storeNames().map((name) => ({ name, open: OPENERS[name] }));
}

const OPENERS: Readonly<Record<StoreName, () => Promise<OpenedStore>>> = {
  memory: () => {
    const store = createMemoryStore();
    return Promise.resolve({ store, close: () => store.close() });
  },

  pglite: () => openOn('pglite'),
  postgres: () => openOn('postgres'),

  opensearch: openTestOpenSearch,

  'oracle-double': () => openOracleDouble(),
  oracle: () => openOracleServer(),
};

async function openOn(name: DatabaseName): Promise<OpenedStore> {
  const { connection, remove } = await makeTestDatabase(name);
  return opened(() => openPg(connection), remove);
}

/** An empty database, for tests that look into it themselves. */
export async function makeTestDatabase(name: DatabaseName): Promise<TestDatabase> {
  if (name === 'pglite') {
    const folder = await mkdtemp(join(tmpdir(), 'plumbline-test-'));
    return {
      connection: { kind: 'pglite', folder: join(folder, 'data') },
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  }
  const server = process.env['PLUMBLINE_TEST_POSTGRES_URL'];
  if (server === undefined || server === '') {
    throw new Error('The postgres store needs PLUMBLINE_TEST_POSTGRES_URL');
  }
  const database = `plumbline_test_${randomUUID().replaceAll('-', '')}`;
  await administer(server, `create database ${database}`);
  const url = new URL(server);
  url.pathname = `/${database}`;
  return {
    connection: { kind: 'postgresql', url: url.href, poolSize: 8 },
    remove: () => administer(server, `drop database ${database} with (force)`),
  };
}

/** Its own connections, beside those of a store. PGlite has room for one of the two at a time. */
export async function openTestDatabase({ connection }: TestDatabase): Promise<Database> {
  const statementTimeoutMs = STATEMENT_TIMEOUT_MS;
  if (connection.kind === 'pglite') {
    const { openPglite } = await import('../../src/stores/pgvector/pglite.js');
    return createDatabase(await openPglite({ folder: connection.folder, statementTimeoutMs }));
  }
  const { openPostgresql } = await import('../../src/stores/pgvector/postgresql.js');
  return createDatabase(await openPostgresql({ ...connection, statementTimeoutMs }));
}

/** Also removes what was made for a store that then could not be opened. */
async function opened(open: () => Promise<VectorStore>, remove: () => Promise<void>): Promise<OpenedStore> {
  try {
    const store = await open();
    return {
      store,
      async close() {
        await store.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function openPg(connection: Connection): Promise<VectorStore> {
  const { openPgVectorStore } = await import('../../src/stores/pgvector/index.js');
  return openPgVectorStore({ connection, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
