/** The runner of the contract: what it finds, what it leaves behind, and how it stops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeChecks } from '../../src/conformance/checks.js';
import type { CheckGroup, Context } from '../../src/conformance/check.js';
import { explainSample, recordOf } from '../../src/conformance/record.js';
import { runChecks } from '../../src/conformance/run.js';
import type { CheckResult } from '../../src/conformance/run.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { PIN, createIn, specOf } from './store/fixtures.js';

const PREFIX = 'conformance-test';
const GROUPS = storeChecks({ collections: 5, documentBytes: 10_000 });

function run(
  store: VectorStore,
  groups: readonly CheckGroup[] = GROUPS,
  signal = new AbortController().signal,
  onResult?: (result: CheckResult) => void,
): Promise<readonly CheckResult[]> {
  return runChecks(store, {
    groups,
    reference: createMemoryStore,
    prefix: PREFIX,
    signal,
    ...(onResult === undefined ? {} : { onResult }),
  });
}

const namesIn = async (store: VectorStore): Promise<readonly string[]> =>
  (await store.listCollections()).map(({ name }) => name);

test('a store that keeps its promises passes, and what was there stays as it was', async () => {
  const memory = createMemoryStore();
  // To compare every vector is to search every partition.
  const store = { ...memory, capabilities: { ...memory.capabilities, partitions: true } };
  for (const name of ['mine', `${PREFIX}ed`]) await createIn(store, specOf({ name }));
  const results = await run(store);
  assert.deepEqual(
    results.filter(({ result }) => result !== 'passed'),
    [],
  );
  assert.equal(results.length, GROUPS.reduce((sum, { checks }) => sum + checks.length, 0) + 1);
  assert.deepEqual(await namesIn(store), [`${PREFIX}ed`, 'mine']);
});

test('a broken promise is found, said, and stops nothing else', async () => {
  const store = createMemoryStore();
  const results = await run({
    ...store,
    // Drops the filter.
    keywordLeg: (ref, query, options) =>
      store.keywordLeg(ref, { ...query, filter: { kind: 'all' } }, options),
  });
  const failed = results.filter(({ result }) => result === 'failed');
  assert.ok(failed.some(({ group, name }) => group.startsWith('legs') && name.includes('filtered by zero')));
  assert.ok(failed.every(({ message }) => message !== null && message.length <= 1001));
  assert.ok(results.some(({ result }) => result === 'passed'));
  assert.deepEqual(await namesIn(store), []);
});

test('what a store lacks is not supported, and not failed', async () => {
  const store = createMemoryStore();
  const results = await run(
    { ...store, capabilities: { ...store.capabilities, indexes: ['hnsw', 'none'], partitions: true } },
    GROUPS.filter(({ name }) => name.startsWith('index ')),
  );
  const lacking = results.filter(({ result }) => result === 'not_supported');
  assert.ok(lacking.length > 0);
  assert.ok(
    lacking.every(
      ({ group, message }) =>
        group.startsWith('index ivfflat') && message === 'the store has no ivfflat index',
    ),
  );
});

test('a collection that stays is a failure', async () => {
  const store = createMemoryStore();
  const results = await run(
    { ...store, deleteCollection: () => Promise.resolve(true) },
    GROUPS.filter(({ name }) => name === 'statistics' || name === 'readers beside writers'),
  );
  const last = results.at(-1);
  assert.deepEqual([last?.group, last?.result], ['clean-up', 'failed']);
  assert.match(last?.message ?? '', /collections are still there, among them conformance-test-1/u);
});

test('stopped in the middle, it removes everything and says that it was stopped', async () => {
  const store = createMemoryStore();
  await createIn(store, specOf({ name: 'mine' }));
  const controller = new AbortController();
  const results: CheckResult[] = [];
  const stopping = run(
    {
      ...store,
      async putDocuments(...call) {
        await store.putDocuments(...call);
        controller.abort();
      },
    },
    GROUPS,
    controller.signal,
    (result) => results.push(result),
  );
  await assert.rejects(stopping, { code: 'cancelled' });
  assert.deepEqual(await namesIn(store), ['mine']);
  assert.ok(results.length < GROUPS.length * 2);
  // The one that was cut off is no result.
  assert.ok(results.every(({ result }) => result === 'passed'));
});

test('a check cannot reach a collection of the user’s', async () => {
  const store = createMemoryStore();
  await createIn(store, specOf({ name: 'mine' }));
  const reaching: CheckGroup = {
    name: 'reaching',
    checks: [
      {
        name: 'deletes what is not its own',
        async run(context) {
          await context.store().deleteCollection('mine');
        },
      },
    ],
  };
  const [result] = await run(store, [reaching]);
  assert.equal(result?.result, 'failed');
  assert.deepEqual(await namesIn(store), ['mine']);
});

test('a record counts what was found, and asks for plans only where there are any', async () => {
  const plans = await explainSample(
    {
      store: () => assert.fail(),
      reference: () => assert.fail(),
      create: () => assert.fail(),
      newName: () => assert.fail(),
    },
    {
      inspect: () => Promise.resolve({ kind: 'memory' }),
      plans: () => assert.fail(),
      close: () => Promise.resolve(),
    },
    new AbortController().signal,
  );
  const result = { group: 'g', name: 'n', message: null, durationMs: 3 } as const;
  const record = recordOf({
    date: new Date(0),
    plumbline: '1.2.3',
    server: { kind: 'memory' },
    sizes: { filters: 1, collections: 2, documentBytes: 3 },
    plans,
    results: [
      { ...result, result: 'passed' },
      { ...result, result: 'failed', message: 'why' },
      { ...result, result: 'not_supported' },
    ],
  });
  assert.equal(record.date, '1970-01-01T00:00:00.000Z');
  assert.equal(record.plans, null);
  assert.deepEqual(record.summary, { passed: 1, failed: 1, not_supported: 1, duration_ms: 9 });
});

test('neither generations nor records of what is not its own can be changed by a check', async () => {
  const store = createMemoryStore();
  const ref = await createIn(store, specOf({ name: 'mine' }));
  const { generations, records } = store;
  assert.ok(generations !== undefined && records !== undefined);
  const record = await records.append('mine', 'kept', {});
  const spec = {
    embedder: 'x',
    pin: PIN,
    chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
    metric: 'cosine',
    index: { kind: 'none' },
  } as const;
  const { id } = await generations.create('mine', spec);
  const other = { ...ref, generation: id };
  const results = await run(store, [
    {
      name: 'at fault',
      checks: [
        async (of: VectorStore) => of.generations?.drop(other),
        async (of: VectorStore) => of.generations?.activate(other, ref.generation),
        async (of: VectorStore) => of.generations?.putChunks(other, PIN, []),
        async (of: VectorStore) => of.records?.append('mine', 'other', {}),
        async (of: VectorStore) => of.records?.remove('mine', [record.id]),
      ].map((work, at) => ({
        name: String(at),
        run: async (context: Context): Promise<void> => {
          await work(context.store());
        },
      })),
    },
  ]);
  const faulty = results.filter(({ group }) => group === 'at fault');
  assert.equal(faulty.length, 5);
  for (const { result, message } of faulty) {
    assert.equal(result, 'failed');
    assert.match(message ?? '', /not its own/u);
  }
  assert.equal((await generations.list('mine')).length, 2);
  assert.deepEqual(await records.list('mine', { kinds: ['kept', 'other'], limit: 5 }), [record]);
});

test('a run that is stopped ends calls about generations and records, too', async () => {
  const store = createMemoryStore();
  const stop = new AbortController();
  let seen: AbortSignal | undefined;
  const { generations } = store;
  assert.ok(generations !== undefined);
  await run(
    {
      ...store,
      generations: {
        ...generations,
        list: (name, options) => {
          seen = options?.signal;
          return generations.list(name, options);
        },
      },
    },
    [
      {
        name: 'asks',
        checks: [
          {
            name: 'list',
            run: async (context: Context): Promise<void> => {
              const { collection } = await context.create();
              await context.store().generations?.list(collection);
            },
          },
        ],
      },
    ],
    stop.signal,
  );
  assert.ok(seen !== undefined);
  stop.abort();
  assert.ok(seen.aborted);
});
