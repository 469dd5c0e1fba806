/** Who may build: of several at once one does, and one that ended without a word is in nobody's way. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it, mock, test } from 'node:test';
import { BUILDER, createBuildLease } from '../../src/generations/lease.js';
import type { BuildSummary } from '../../src/generations/types.js';
import { loadConfig } from '../../src/config.js';
import type { RawDocument } from '../../src/model.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { newHolder } from '../../src/stores/holder.js';
import type { Holder } from '../../src/stores/holder.js';
import type { RecordStore, StoredRecord } from '../../src/stores/generations-port.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { GenerationRef, VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import type { FakeEmbedder, FakeOptions } from '../support/fake-embedder.js';
import { testStores } from '../support/stores.js';
import type { OpenedStore } from '../support/stores.js';
import { sourceOf } from '../support/source.js';

const NAME = 'handbook';
const AUTHOR = { by: 'tester' };
const DOCUMENTS = 12;
const ELSEWHERE: Holder = { id: 'elsewhere', machine: 'far-host 1 2', process: 4711, thread: 0 };
const MINUTE = 60_000;

interface Bench {
  readonly runtime: Runtime;
  readonly records: RecordStore;
  readonly second: FakeEmbedder;
  /** The generation to be built. */
  readonly ref: GenerationRef;
}

/** A process of its own, as far as the store can tell, but for its number. */
function openOn(store: VectorStore, options?: FakeOptions): Promise<Runtime> & { second: FakeEmbedder } {
  const first = createFakeEmbedder({ name: 'first' });
  const second = createFakeEmbedder({ name: 'second', pin: { model: 'second-words' }, ...options });
  const runtime = openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    embedders: ['first', 'second'],
    openEmbedder: (name) => Promise.resolve(name === 'first' ? first : second),
  });
  return Object.assign(runtime, { second });
}

async function bench(store: VectorStore = createMemoryStore(), options?: FakeOptions): Promise<Bench> {
  const opening = openOn(store, options);
  const runtime = await opening;
  await runtime.catalog.createCollection({ name: NAME, embedder: 'first' });
  await put(runtime, DOCUMENTS);
  const { id } = await runtime.generations.start(NAME, { embedder: 'second' }, AUTHOR);
  return {
    runtime,
    records: recordsOf(store),
    second: opening.second,
    ref: { collection: NAME, generation: id },
  };
}

async function put(runtime: Runtime, documents: number): Promise<void> {
  const all = Array.from({ length: documents }, (_, at): RawDocument => ({
    id: `d${String(at)}`,
    format: 'text',
    content: `The engine number ${String(at)} turns.`,
    metadata: {},
  }));
  const { failed } = await runtime.ingest(NAME, sourceOf(all));
  assert.deepEqual(failed, []);
}

function recordsOf({ records }: VectorStore): RecordStore {
  assert.ok(records !== undefined);
  return records;
}

function build(runtime: Runtime): Promise<BuildSummary> {
  return runtime.generations.build(NAME, undefined, AUTHOR);
}

/** The signs that are there, the latest first. */
function signs(records: RecordStore): Promise<readonly StoredRecord[]> {
  return records.list(NAME, { kinds: [BUILDER], limit: 100 });
}

/** As another builder leaves it. */
function leaveSign(
  { records, ref }: Pick<Bench, 'records' | 'ref'>,
  holder: Holder,
  first: { readonly id: number; readonly at: string } | null = null,
): Promise<StoredRecord> {
  return records.append(NAME, BUILDER, { generation: ref.generation, holder: { ...holder }, first });
}

/** An embedder that waits in its first call. */
function waiting(): {
  readonly options: FakeOptions;
  readonly asked: Promise<void>;
  readonly goOn: () => void;
} {
  let ask = (): void => undefined;
  let goOn = (): void => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const free = new Promise<void>((resolve) => (goOn = resolve));
  return {
    options: {
      before: () => {
        ask();
        return free;
      },
    },
    asked,
    goOn: () => {
      goOn();
    },
  };
}

for (const { name, open } of testStores()) {
  describe(`builders on ${name}`, () => {
    let opened: OpenedStore;
    before(async () => {
      opened = await open();
      await bench(opened.store);
    });
    after(() => opened.close());

    it('of several at once one builds, the others stop and have paid for nothing', async () => {
      const { store } = opened;
      const openings = Array.from({ length: 4 }, () => openOn(store));
      const runtimes = await Promise.all(openings);
      const results = await Promise.allSettled(runtimes.map(build));
      const [winner, ...more] = results.filter((result) => result.status === 'fulfilled');
      assert.deepEqual(
        more.map(({ value }) => value.embedded).filter((embedded) => embedded > 0),
        [],
      );
      assert.equal(winner?.value.documents, DOCUMENTS);
      for (const result of results) {
        if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'generation_conflict');
      }
      assert.deepEqual(await signs(recordsOf(store)), []);
      const asked = openings.filter(({ second }) => second.texts.length > 0);
      assert.equal(asked.length, 1, 'one embedder was asked');
      assert.equal(asked[0]?.second.texts.length, DOCUMENTS);
    });

    // The others live in this process, or their server does, and have its clock.
    if (name !== 'postgres' && name !== 'opensearch' && name !== 'oracle') return;
    it('records are dated by the store', async () => {
      const records = recordsOf(opened.store);
      const real = Date.now();
      mock.timers.enable({ apis: ['Date'], now: real + 1000 * MINUTE });
      try {
        const { id, at } = await records.append(NAME, 'dated', {});
        assert.ok(Math.abs(Date.parse(at) - real) < 100 * MINUTE, `${at} is this process's`);
        await records.remove(NAME, [id]);
      } finally {
        mock.timers.reset();
      }
    });
  });
}

describe('a builder', () => {
  test('is refused while another one lives elsewhere, with who and what to do', async () => {
    const { runtime, ...place } = await bench();
    const { at } = await leaveSign(place, ELSEWHERE);
    await assert.rejects(build(runtime), (error: Error) => {
      assert.equal(codeOf(error), 'generation_conflict');
      assert.match(error.message, /by process 4711 on far-host since/u);
      assert.ok(error.message.includes(`last sign ${at}`));
      assert.match(error.message, /elsewhere in (?:60|61) seconds/u);
      return true;
    });
    assert.deepEqual(place.second.texts, []);
    assert.equal((await signs(place.records)).length, 1, 'its own sign is gone');
    // So are the catching up of a switch and of a gate.
    const force = { ...AUTHOR, force: true, reason: 'test' };
    await assert.rejects(runtime.generations.activate(NAME, place.ref.generation, force), {
      code: 'generation_conflict',
    });
  });

  test('that nothing is missing for is in no other’s way', async () => {
    const { runtime, ...place } = await bench();
    await build(runtime);
    await leaveSign(place, ELSEWHERE);
    assert.equal((await build(runtime)).embedded, 0);
    const force = { ...AUTHOR, force: true, reason: 'test' };
    assert.equal((await runtime.generations.activate(NAME, place.ref.generation, force)).state, 'active');
  });

  test('goes on at once after one of this machine whose process is gone, and clears up after it', async () => {
    const { runtime, ...place } = await bench();
    const { pid } = spawnSync(process.execPath, ['--version']);
    await leaveSign(place, { ...newHolder(), process: pid });
    // One that this process itself gave up, of a generation that is gone.
    await leaveSign({ ...place, ref: { ...place.ref, generation: 99 } }, newHolder());
    assert.equal((await build(runtime)).documents, DOCUMENTS);
    assert.deepEqual(await signs(place.records), []);
  });

  test('goes on after one elsewhere that gave no sign for a minute', async () => {
    const { runtime, ...place } = await bench();
    await leaveSign(place, ELSEWHERE);
    mock.timers.enable({ apis: ['Date'], now: Date.now() + MINUTE + 1 });
    try {
      assert.equal((await build(runtime)).documents, DOCUMENTS);
    } finally {
      mock.timers.reset();
    }
    assert.deepEqual(await signs(place.records), []);
  });

  test('that was suspended too long stops before it writes, and the other one ends the build', async () => {
    const store = createMemoryStore();
    const held = waiting();
    const { runtime: slow, records } = await bench(store, held.options);
    const stopping = build(slow);
    await held.asked;
    const other = openOn(store);
    const runtime = await other;
    await assert.rejects(build(runtime), { code: 'generation_conflict' });
    const putChunks = mock.method(store.generations ?? assert.fail(), 'putChunks');
    mock.timers.enable({ apis: ['Date'], now: Date.now() + MINUTE + 1 });
    try {
      assert.equal((await build(runtime)).documents, DOCUMENTS);
      const writes = putChunks.mock.callCount();
      held.goOn();
      await assert.rejects(stopping, {
        code: 'generation_conflict',
        message: /no sign for more than 60 seconds/u,
      });
      assert.equal(putChunks.mock.callCount(), writes);
    } finally {
      mock.timers.reset();
    }
    assert.deepEqual(await signs(records), []);
  });

  test('leaves no sign after a failure or an abort, and none in the history', async () => {
    const stop = new AbortController();
    let fail = true;
    const { runtime, records } = await bench(createMemoryStore(), {
      before: () => {
        if (fail) throw new Error('out of order');
        stop.abort();
      },
    });
    await assert.rejects(build(runtime));
    assert.deepEqual(await signs(records), []);
    fail = false;
    const aborted = runtime.generations.build(NAME, undefined, AUTHOR, { signal: stop.signal });
    await assert.rejects(aborted, { code: 'cancelled' });
    assert.deepEqual(await signs(records), []);
    assert.equal((await build(runtime)).documents, DOCUMENTS);
    assert.deepEqual(
      (await runtime.generations.history(NAME, { limit: 9 })).map(({ event }) => event),
      ['generation_built', 'generation_started'],
    );
  });

  test('takes no other generation’s builder for its own', async () => {
    const { runtime, ...place } = await bench();
    await leaveSign({ ...place, ref: { ...place.ref, generation: 99 } }, ELSEWHERE);
    assert.equal((await build(runtime)).documents, DOCUMENTS);
    assert.equal((await signs(place.records)).length, 1);
  });
});

describe('the lease of a build', () => {
  const always = { signMs: 0, timeoutMs: MINUTE };

  test('has one sign at a time, however often it is renewed, and its first date', async () => {
    const { records, ref } = await bench();
    const lease = createBuildLease(records, ref, {}, always);
    await lease.take();
    const [first] = await signs(records);
    await lease.check();
    await lease.check();
    const [latest, ...more] = await signs(records);
    assert.deepEqual(more, []);
    assert.ok(first !== undefined && latest !== undefined && latest.id > first.id);
    assert.deepEqual(latest.value['first'], { id: first.id, at: first.at });
    await lease.release();
    assert.deepEqual(await signs(records), []);
  });

  test('is renewed by itself, through a failure of the store', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const { records, ref } = await bench();
      let failing = false;
      const unsteady: RecordStore = {
        ...records,
        list: (...args) => (failing ? Promise.reject(new Error('gone')) : records.list(...args)),
      };
      const lease = createBuildLease(unsteady, ref, {}, { ...always, signMs: 0.01 });
      await lease.take();
      const [first] = await signs(records);
      failing = true;
      mock.timers.tick(1);
      await assert.rejects(lease.check());
      failing = false;
      mock.timers.tick(1);
      await lease.check();
      const [latest] = await signs(records);
      assert.ok(first !== undefined && latest !== undefined && latest.id > first.id);
      await lease.release();
    } finally {
      mock.timers.reset();
    }
  });

  test('goes to the older of two whose first signs crossed', async () => {
    const { records, ref } = await bench();
    const lease = createBuildLease(records, ref, {});
    await lease.take();
    // A younger one, which will find this one's.
    const { id } = await leaveSign({ records, ref }, { ...ELSEWHERE, id: 'younger' });
    await lease.check();
    await records.remove(NAME, [id]);
    // Its number is smaller; it was shown only now.
    await leaveSign({ records, ref }, ELSEWHERE, { id: 0, at: new Date().toISOString() });
    await assert.rejects(lease.check(), { code: 'generation_conflict' });
    await lease.release();
    assert.equal((await signs(records)).length, 1);
  });
});

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error;
}
