/**
 * kill -9 at fifty seeded moments of an ingest, then a rerun: the collection equals that of an
 * uninterrupted run (which the memory store makes), and what was written is not embedded again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { cloneIndexes, makeTestPrefix } from '../support/opensearch.js';
import { storeNames } from '../support/stores.js';
import { crashCorpus } from './corpus.js';
import { assertSameSnapshot, openFake, snapshot } from './snapshot.js';
import type { Snapshot } from './snapshot.js';
import { openCrashStore } from './store.js';

const MOMENTS = 50;
const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** A place for one killed run: its state is a copy of one prepared collection. */
interface Arena {
  readonly fresh: () => Promise<{ readonly url: string; readonly drop: () => Promise<void> }>;
  readonly close: () => Promise<void>;
}

const ARENAS = { pglite: folderArena, postgres: databaseArena, opensearch: prefixArena } as const;

for (const name of storeNames()) {
  if (!isPersistent(name)) continue;
  describe(`kill -9 during ingest on ${name}`, () => {
    let arena: Arena;
    let expected: Snapshot;
    let marks: number;

    before(async () => {
      const reference = await openFake(createMemoryStore());
      await reference.catalog.createCollection({ name: 'machines', embedder: 'fake' });
      await reference.ingest('machines', crashCorpus('first'));
      await reference.ingest('machines', crashCorpus('second'), { prune: true });
      expected = await snapshot(reference);
      arena = await ARENAS[name]();
      const { url, drop } = await arena.fresh();
      marks = await runChild(url, Infinity);
      await assertEqualTo(url, expected);
      await drop();
      assert.ok(marks > MOMENTS, `only ${String(marks)} marks`);
    });
    after(async () => {
      await arena.close();
    });

    for (let moment = 0; moment < MOMENTS; moment += 1) {
      // Spread over the whole run, with a seeded shift inside each stretch.
      it(`moment ${String(moment + 1)} of ${String(MOMENTS)}`, async () => {
        const at = Math.floor(((moment + shift(moment)) / MOMENTS) * marks);
        const { url, drop } = await arena.fresh();
        await runChild(url, at);
        await finishAndCompare(url, expected);
        await drop();
      });
    }
  });
}

function isPersistent(name: string): name is keyof typeof ARENAS {
  return Object.hasOwn(ARENAS, name);
}

/** The fractional part of multiples of the golden ratio: in [0, 1), even, and the same each time. */
function shift(seed: number): number {
  return (seed * 0.618_033_988_749_895) % 1;
}

/** Runs the child and kills it at that mark; answers how many marks it made. */
async function runChild(url: string, killAt: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let marks = 0;
  child.stdout.on('data', (data: Buffer) => {
    marks += data.length;
    if (marks >= killAt) child.kill('SIGKILL');
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (killAt === Infinity) assert.equal(code, 0, 'the uninterrupted run failed');
  return marks;
}

async function assertEqualTo(url: string, expected: Snapshot): Promise<void> {
  const runtime = await openFake(await openCrashStore(url));
  try {
    assertSameSnapshot(await snapshot(runtime), expected);
  } finally {
    await runtime.close();
  }
}

async function finishAndCompare(url: string, expected: Snapshot): Promise<void> {
  const runtime = await openFake(await openCrashStore(url));
  try {
    const summary = await runtime.ingest('machines', crashCorpus('second'), { prune: true });
    assert.deepEqual(summary.failed, []);
    assertSameSnapshot(await snapshot(runtime), expected);
    const again = await runtime.ingest('machines', crashCorpus('second'), { prune: true });
    assert.deepEqual([again.added, again.changed, again.removed, again.embedded], [0, 0, 0, 0]);
  } finally {
    await runtime.close();
  }
}

async function prepare(url: string): Promise<void> {
  const runtime = await openFake(await openCrashStore(url));
  await runtime.catalog.createCollection({ name: 'machines', embedder: 'fake' });
  await runtime.ingest('machines', crashCorpus('first'));
  await runtime.close();
}

async function folderArena(): Promise<Arena> {
  const root = await mkdtemp(join(tmpdir(), 'plumbline-kill-'));
  const template = join(root, 'template');
  await prepare(`pglite:${template}`);
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

async function databaseArena(): Promise<Arena> {
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
  await prepare(urlOf(template));
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

async function prefixArena(): Promise<Arena> {
  const template = makeTestPrefix();
  await prepare(template.url);
  return {
    async fresh() {
      const run = makeTestPrefix();
      await cloneIndexes(template.options, run.options);
      return { url: run.url, drop: run.remove };
    },
    close: template.remove,
  };
}
