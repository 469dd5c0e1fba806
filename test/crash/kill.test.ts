/**
 * kill -9 at fifty seeded moments of an ingest, then a rerun: the collection equals that of an
 * uninterrupted run (which the memory store makes), and what was written is not embedded again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { storeNames } from '../support/stores.js';
import { isPersistent, openArena, shift } from './arena.js';
import type { Arena } from './arena.js';
import { crashCorpus } from './corpus.js';
import { assertSameSnapshot, openFake, snapshot } from './snapshot.js';
import type { Snapshot } from './snapshot.js';
import { openCrashStore } from './store.js';

const MOMENTS = 50;
const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

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
      arena = await openArena(name, prepare);
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

async function prepare(store: VectorStore): Promise<void> {
  const runtime = await openFake(store);
  await runtime.catalog.createCollection({ name: 'machines', embedder: 'fake' });
  await runtime.ingest('machines', crashCorpus('first'));
  await runtime.close();
}
