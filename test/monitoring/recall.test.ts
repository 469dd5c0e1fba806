import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { TestContext } from 'node:test';
import { parseFilter } from '../../src/retrieval/filter/parse.js';
import { createRecallCheck, recallOf } from '../../src/monitoring/recall.js';
import type { RecallSample } from '../../src/monitoring/recall.js';
import type { AnsweredQuery } from '../../src/retrieval/retrieve.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryInput } from '../../src/retrieval/schema.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createRandom } from '../support/random.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { specOf, writeOf } from '../conformance/store/fixtures.js';
import { makeTestDatabase, databaseNames } from '../support/stores.js';
import { defer } from '../api/support.js';
import { firing, ruleOf } from './rules.js';
import { openWatched, until, valueOf } from './support.js';
import type { WatchedService } from './support.js';

const PIN = createFakeEmbedder().pin;
const FIELDS = { rank: 'number' } as const;

/** A store whose approximate leg leaves out a known share of the nearest, and has farther ones instead. */
function lossy(store: VectorStore, loss: number, random: () => number): VectorStore {
  return {
    ...store,
    async vectorLeg(ref, query, options) {
      if (query.exact === true) return store.vectorLeg(ref, query, options);
      const { hits } = await store.vectorLeg(ref, { ...query, k: query.k * 3 }, options);
      const nearest = hits.slice(0, query.k).filter(() => random() >= loss);
      const found = [...nearest, ...hits.slice(query.k)].slice(0, query.k);
      return { hits: found, plan: { strategy: 'approximate', matches: null } };
    },
  };
}

async function fill(store: VectorStore, name: string, vectors: readonly Float32Array[]): Promise<void> {
  const { generation } = await store.createCollection(
    specOf({ name, pin: PIN, embedder: 'fake', fields: FIELDS }),
  );
  const ref = { collection: name, generation: generation.id };
  const documents = vectors.map((vector, rank) =>
    writeOf(`d${String(rank)}`, ['engine'], { vectors: [vector], values: { rank } }),
  );
  await store.putDocuments(ref, PIN, documents);
  await store.finishLoad(ref);
}

/** Asks as many questions, each checked before the next. */
async function askMany(
  service: WatchedService,
  collection: string,
  questions: readonly Omit<QueryInput, 'query'>[],
): Promise<void> {
  const counted = async (): Promise<number> => {
    const samples = await service.samples();
    return ['checked', 'failed']
      .map((outcome) => valueOf(samples, 'plumbline_ann_recall_checks_total', { outcome }) ?? 0)
      .reduce((sum, value) => sum + value, 0);
  };
  const described = await service.runtime.catalog.describeCollection(collection);
  const before = await counted();
  for (const [index, input] of questions.entries()) {
    await service.runtime.retrieve(
      collection,
      queryRequestSchema.parse({
        query: 'x',
        mode: 'vector',
        model_version: described.modelVersion,
        ...input,
      }),
    );
    await until(async () => (await counted()) === before + index + 1);
  }
}

describe('the estimate of recall', () => {
  for (const loss of [0.02, 0.1, 0.35]) {
    it(`lies within 0.02 of a recall of ${(1 - loss).toFixed(2)}`, async (t) => {
      const random = createRandom(11);
      const memory = createMemoryStore();
      const vectors = Array.from({ length: 400 }, () => random.vector(PIN.dimensions));
      await fill(memory, 'c', vectors);
      const service = await openWatched(
        t,
        { PLUMBLINE_RECALL_SAMPLE: '1' },
        lossy(memory, loss, () => random.next()),
      );
      const questions = Array.from({ length: 60 }, () => ({
        vector: [...random.vector(PIN.dimensions)],
        candidates: 50,
      }));
      await askMany(service, 'c', questions);
      const samples = await service.samples();
      const mean = valueOf(samples, 'plumbline_ann_recall_mean', { collection: 'c', selectivity: 'all' });
      assert.ok(mean !== undefined);
      assert.ok(Math.abs(mean - (1 - loss)) <= 0.02, `${String(mean)} for ${String(1 - loss)}`);
      const count = valueOf(samples, 'plumbline_ann_recall_count', { collection: 'c' });
      assert.equal(count, questions.length);
    });
  }

  it('is kept by how much the filter lets through, and asks the exact leg with the same filter', async (t) => {
    const random = createRandom(3);
    const memory = createMemoryStore();
    await fill(
      memory,
      'c',
      Array.from({ length: 1000 }, () => random.vector(PIN.dimensions)),
    );
    const service = await openWatched(
      t,
      { PLUMBLINE_RECALL_SAMPLE: '1' },
      lossy(memory, 0, () => random.next()),
    );
    const within = (below: number): Omit<QueryInput, 'query'> => ({
      vector: [...random.vector(PIN.dimensions)],
      top_k: 3,
      candidates: 3,
      filter: { rank: { $lt: below } },
    });
    await askMany(service, 'c', [within(500), within(100), within(50), within(5)]);
    const samples = await service.samples();
    const of = (selectivity: string): readonly (number | undefined)[] => [
      valueOf(samples, 'plumbline_ann_recall_count', { selectivity }),
      valueOf(samples, 'plumbline_ann_recall_sum', { selectivity }),
    ];
    // Nothing was lost: another filter in the exact leg would have shown as a loss.
    assert.deepEqual(['all', '>10%', '1-10%', '<1%'].map(of), [
      [undefined, undefined],
      [1, 1],
      [2, 2],
      [1, 1],
    ]);
    // Too few for a mean.
    assert.equal(valueOf(samples, 'plumbline_ann_recall_mean'), undefined);
  });

  it('has labels for fifty collections, and one for all others', async (t) => {
    const memory = createMemoryStore();
    const names = Array.from({ length: 53 }, (_, index) => `c${String(index)}`);
    for (const name of names) await fill(memory, name, [new Float32Array(PIN.dimensions).fill(1)]);
    const service = await openWatched(
      t,
      { PLUMBLINE_RECALL_SAMPLE: '1' },
      lossy(memory, 0, () => 1),
    );
    const vector = Array.from({ length: PIN.dimensions }, () => 1);
    for (const name of names) await askMany(service, name, [{ vector }]);
    const collections = (await service.samples())
      .filter(({ name }) => name === 'plumbline_ann_recall_count')
      .map(({ labels, value }) => [labels['collection'], value]);
    assert.equal(collections.length, 51);
    assert.deepEqual(
      collections.find(([name]) => name === 'other'),
      ['other', 3],
    );
  });

  it('counts any of those that score alike', () => {
    const hit = (chunkId: string, score: number) => ({ chunkId, documentId: 'd', score });
    const exact = [hit('a', 0.9), hit('b', 0.5), hit('c', 0.5)];
    assert.equal(recallOf([hit('a', 0.9), hit('d', 0.5), hit('e', 0.5)], exact), 1);
    assert.equal(recallOf([hit('a', 0.9), hit('d', 0.5), hit('e', 0.4)], exact), 2 / 3);
    assert.equal(recallOf([], exact), 0);
    assert.equal(recallOf([], []), 1);
  });
});

describe('a check', () => {
  const answered = (overrides: Partial<AnsweredQuery> = {}): AnsweredQuery => ({
    ref: { collection: 'c', generation: 1 },
    isActive: true,
    request: queryRequestSchema.parse({ query: 'x' }),
    filter: parseFilter({}, {}),
    vector: new Float32Array(4),
    depth: 1,
    candidates: [],
    plan: { strategy: 'approximate', matches: null },
    ...overrides,
  });

  const open = (t: TestContext, vectorLeg: VectorStore['vectorLeg'], share = 1, random = () => 0.5) => {
    const samples: RecallSample[] = [];
    const outcomes: string[] = [];
    const check = createRecallCheck({
      store: { ...createMemoryStore(), vectorLeg },
      share,
      random,
      onSample: (sample) => samples.push(sample),
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    t.after(() => {
      check.close();
    });
    return { check, samples, outcomes };
  };

  test('runs one at a time; what comes meanwhile is dropped', async (t) => {
    let running = 0;
    const first = defer<Awaited<ReturnType<VectorStore['vectorLeg']>>>();
    const { check, outcomes } = open(t, () => {
      running += 1;
      return first.promise;
    });
    check.offer(answered());
    check.offer(answered());
    check.offer(answered());
    await until(() => running === 1);
    assert.deepEqual(outcomes, ['dropped', 'dropped']);
    first.resolve({ hits: [], plan: { strategy: 'exact', matches: null } });
    await check.idle();
    check.offer(answered());
    await check.idle();
    assert.deepEqual(outcomes, ['dropped', 'dropped', 'checked', 'checked']);
    assert.equal(running, 2);
  });

  test('is for approximate answers only, and for the share that was asked for', async (t) => {
    let asked = 0;
    const draws = [0.0099, 0.01, 0.5];
    const vectorLeg: VectorStore['vectorLeg'] = () => {
      asked += 1;
      return Promise.resolve({ hits: [], plan: { strategy: 'exact', matches: null } });
    };
    const { check } = open(t, vectorLeg, 0.01, () => draws.shift() ?? 1);
    check.offer(answered({ plan: { strategy: 'exact', matches: 3 } }));
    check.offer(answered({ plan: null, vector: null }));
    assert.equal(draws.length, 3);
    for (let query = 0; query < 3; query += 1) {
      check.offer(answered());
      await check.idle();
    }
    assert.equal(asked, 1);
  });

  test('that fails is counted, and never seen by anyone else', async (t) => {
    const { check, samples, outcomes } = open(t, () => Promise.reject(new Error('away')));
    check.offer(answered());
    await check.idle();
    assert.deepEqual([samples, outcomes], [[], ['failed']]);
  });
});

test('an answer goes out while its check hangs, and so does the service', async (t) => {
  const memory = createMemoryStore();
  await fill(memory, 'c', [new Float32Array(PIN.dimensions).fill(1)]);
  let begun = 0;
  let isAnswered = false;
  const order: boolean[] = [];
  const store: VectorStore = {
    ...memory,
    vectorLeg(ref, query, options) {
      if (query.exact !== true) {
        return memory
          .vectorLeg(ref, query, options)
          .then(({ hits }) => ({ hits, plan: { strategy: 'approximate', matches: null } }));
      }
      begun += 1;
      order.push(isAnswered);
      // A store that does not even listen to its signal.
      return new Promise(() => undefined);
    },
  };
  const service = await openWatched(t, { PLUMBLINE_RECALL_SAMPLE: '1' }, store);
  service.app.fastify.server.on('request', (_request, response) => {
    response.once('finish', () => {
      isAnswered = true;
    });
  });
  const url = await service.app.fastify.listen({ host: '127.0.0.1', port: 0 });
  const ask = (): Promise<Response> =>
    fetch(`${url}/v1/collections/c/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'engine' }),
    });
  assert.equal((await ask()).status, 200);
  await until(() => begun === 1);
  assert.deepEqual(order, [true]);
  assert.equal((await ask()).status, 200);
  assert.equal(
    valueOf(await service.samples(), 'plumbline_ann_recall_checks_total', { outcome: 'dropped' }),
    1,
  );
  await service.app.fastify.close();
  await service.runtime.close();
});

for (const name of databaseNames()) {
  test(`${name}: a search too narrow fires the alert, one that is wide enough does not`, async (t) => {
    const { connection, remove } = await makeTestDatabase(name);
    t.after(remove);
    const { openPgVectorStore } = await import('../../src/stores/pgvector/index.js');
    const store = await openPgVectorStore({ connection, statementTimeoutMs: 60_000 });
    const random = createRandom(17);
    const { generation } = await store.createCollection(
      specOf({
        name: 'c',
        pin: PIN,
        embedder: 'fake',
        index: { kind: 'hnsw', m: 8, efConstruction: 32, buildAfter: 100 },
      }),
    );
    const vectors = Array.from({ length: 3000 }, () => random.vector(PIN.dimensions));
    const ref = { collection: 'c', generation: generation.id };
    await store.putDocuments(ref, PIN, [
      writeOf(
        'a',
        vectors.map(() => 'engine'),
        { vectors },
      ),
    ]);
    await store.finishLoad(ref);
    const service = await openWatched(t, { PLUMBLINE_RECALL_SAMPLE: '1' }, store);
    const rule = ruleOf('PlumblineRecallLow');
    const questions = (efSearch: number): readonly Omit<QueryInput, 'query'>[] =>
      Array.from({ length: 200 }, () => ({
        vector: [...random.vector(PIN.dimensions)],
        top_k: 5,
        candidates: 5,
        ef_search: efSearch,
      }));

    await askMany(service, 'c', questions(400));
    const wide = await service.samples();
    assert.deepEqual(firing(rule, wide), []);
    // 3000 vectors of 32 floats, each with its place in the graph.
    const bytes = valueOf(wide, 'plumbline_collection_index_bytes', { collection: 'c' });
    assert.ok(bytes !== undefined && bytes > 3000 * 32 * 4, String(bytes));
    await askMany(service, 'c', questions(5));
    const narrow = await service.samples();
    const mean = (samples: typeof wide): number | undefined =>
      valueOf(samples, 'plumbline_ann_recall_mean', { selectivity: 'all' });
    t.diagnostic(`recall: ${String(mean(wide))} at ef_search 400, ${String(mean(narrow))} at 5`);
    assert.equal(firing(rule, narrow).length, 1);
  });
}
