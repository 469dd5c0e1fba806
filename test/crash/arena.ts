/** Places for runs that are cut off: the state of each is a copy of one that was prepared. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { VectorStore } from '../../src/stores/port.js';
import { cloneIndexes, makeTestPrefix } from '../support/opensearch.js';
import { openCrashStore } from './store.js';

export interface Arena {
  readonly fresh: () => Promise<{ readonly url: string; readonly drop: () => Promise<void> }>;
  readonly close: () => Promise<void>;
}

/** Makes the state that is copied, and closes the store. */
type Prepare = (store: VectorStore) => Promise<void>;

const ARENAS = { pglite: folderArena, postgres: databaseArena, opensearch: prefixArena } as const;
export type Persistent = keyof typeof ARENAS;

export function isPersistent(name: string): name is Persistent {
  return Object.hasOwn(ARENAS, name);
}

export function openArena(name: Persistent, prepare: Prepare): Promise<Arena> {
  return ARENAS[name](prepare);
}

/** The fractional part of multiples of the golden ratio: in [0, 1), even, and the same each time. */
export function shift(seed: number): number {
  return (seed * 0.618_033_988_749_895) % 1;
}

async function folderArena(prepare: Prepare): Promise<Arena> {
  const root = await mkdtemp(join(tmpdir(), 'plumbline-kill-'));
  const template = join(root, 'template');
  await prepare(await openCrashStore(`pglite:${template}`));
  let count = 0;
  return {
    async fresh() {
      count += 1;
      const folder = join(root, `run-${String(count)}`);
      await cp(template, folder, { recursive: true });
      return { url: `pglite:${folder}`, drop: () => rm(folder, { recursive: true, force: true }) };
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

async function databaseArena(prepare: Prepare): Promise<Arena> {
  const server = process.env['PLUMBLINE_TEST_POSTGRES_URL'];
  if (server === undefined) throw new Error('PLUMBLINE_TEST_POSTGRES_URL is not set');
  const prefix = `kill_${String(process.pid)}_${String(Date.now())}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const urlOf = (database: string): string => {
    const url = new URL(server);
    url.pathname = `/${database}`;
    return url.href;
  };
  const drop = async (database: string): Promise<void> => {
    await admin.query(`drop database if exists ${database} with (force)`);
  };
  const template = `${prefix}_template`;
  await admin.query(`create database ${template}`);
  await prepare(await openCrashStore(urlOf(template)));
  let count = 0;
  return {
    async fresh() {
      count += 1;
      const database = `${prefix}_${String(count)}`;
      await admin.query(`create database ${database} template ${template}`);
      return { url: urlOf(database), drop: () => drop(database) };
    },
    async close() {
      await drop(template);
      await admin.end();
    },
  };
}

async function prefixArena(prepare: Prepare): Promise<Arena> {
  const template = makeTestPrefix();
  await prepare(await openCrashStore(template.url));
  return {
    async fresh() {
      const run = makeTestPrefix();
      await cloneIndexes(template.options, run.options);
      return { url: run.url, drop: run.remove };
    },
    close: template.remove,
  };
}
