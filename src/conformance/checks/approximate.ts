import assert from 'node:assert/strict';
import type { Filter, Metric, VectorIndex } from '../../model.js';
import { createRandom } from '../random.js';
import type { Random } from '../random.js';
import { assertOrdered } from '../compare.js';
import type { Place } from '../compare.js';
import { ALL, DIMENSIONS, PIN, equalTo, writeOf } from '../fixtures.js';
import { shared } from '../check.js';
import type { CheckGroup, Context } from '../check.js';

const CHUNKS = 1500;
const HNSW = { kind: 'hnsw', m: 16, efConstruction: 64, buildAfter: 100 } as const;
/** By what the filters below ask for: a filter's matches are in one part. */
const PARTITIONED: VectorIndex = { ...HNSW, partitions: { field: 'price', count: 3, by: 'value' } };
const IVFFLAT: VectorIndex = { kind: 'ivfflat', lists: 'auto', buildAfter: 100 };

/** `price` is a document's share: 0 holds all but few, 1000 holds one. */
const MATCHES: readonly (readonly [price: number, matches: number])[] = [
  [1000, 1],
  [100, 15],
  [10, 150],
];

const VARIANTS: readonly (readonly [VectorIndex, Metric])[] = [
  [HNSW, 'cosine'],
  [HNSW, 'dot'],
  [HNSW, 'l2'],
  [IVFFLAT, 'cosine'],
  [PARTITIONED, 'cosine'],
];

/** The approximate indexes; that a store refuses one it lacks is checked with collections. */
export const approximateChecks: readonly CheckGroup[] = VARIANTS.map(([index, metric]) => {
  const loaded = shared((context) => load(context, index, metric));
  const partitions = index.kind === 'hnsw' && index.partitions !== undefined;
  return {
    name: `index ${index.kind}${partitions ? ' in partitions' : ''}, ${metric}`,
    requires: { index: index.kind, partitions },
    checks: [
      {
        name: 'never starves a query, however few match',
        async run(context: Context): Promise<void> {
          const { store, ref, random } = await loaded(context);
          const filters: readonly (readonly [Filter, number])[] = [
            [ALL, CHUNKS],
            [{ kind: 'none' }, 0],
            [{ kind: 'not', filter: equalTo('price', 0) }, 166],
            ...MATCHES.map(([price, matches]) => [equalTo('price', price), matches] as const),
          ];
          for (const [filter, matches] of filters) {
            for (const k of [1, 10, 100, CHUNKS + 1]) {
              for (const efSearch of [undefined, 10]) {
                const vector = random.vector(DIMENSIONS);
                const query = { vector, k, filter, ...(efSearch === undefined ? {} : { efSearch }) };
                const { hits } = await store.vectorLeg(ref, query);
                assert.equal(hits.length, Math.min(k, matches));
                assertOrdered(hits);
              }
            }
          }
        },
      },

      {
        name: 'finds at least 0.9 of the nearest ten, and all when told to be exact',
        async run(context: Context): Promise<void> {
          const { store, ref, random } = await loaded(context);
          for (const filter of [ALL, ...MATCHES.map(([price]) => equalTo('price', price))]) {
            let found = 0;
            let wanted = 0;
            for (let query = 0; query < 10; query += 1) {
              const vector = random.vector(DIMENSIONS);
              const exact = await store.vectorLeg(ref, { vector, k: 10, filter, exact: true });
              const near = await store.vectorLeg(ref, { vector, k: 10, filter, efSearch: 200 });
              assert.equal(exact.plan.strategy, 'exact');
              const ids = new Set(near.hits.map(({ chunkId }) => chunkId));
              wanted += exact.hits.length;
              found += exact.hits.filter(({ chunkId }) => ids.has(chunkId)).length;
            }
            assert.ok(found / wanted >= 0.9, `recall ${String(found / wanted)}`);
          }
        },
      },

      {
        name: 'gives the same score to a chunk however it was found',
        async run(context: Context): Promise<void> {
          const { store, ref, random } = await loaded(context);
          const vector = random.vector(DIMENSIONS);
          const { hits } = await store.vectorLeg(ref, { vector, k: 50, filter: ALL });
          const chunkIds = hits.map(({ chunkId }) => chunkId);
          const scores = await store.scoreChunks(ref, { chunkIds, vector });
          const exact = await store.vectorLeg(ref, { vector, k: CHUNKS, filter: ALL, exact: true });
          const exactScores = new Map(exact.hits.map(({ chunkId, score }) => [chunkId, score]));
          for (const { chunkId, score } of hits) {
            assert.equal(scores.get(chunkId)?.vector, score);
            assert.equal(exactScores.get(chunkId), score);
          }
        },
      },

      {
        name: 'sees what was written and removed after the index was built',
        async run(context: Context): Promise<void> {
          const { store, ref, random } = await loaded(context);
          const vector = random.vector(DIMENSIONS);
          const late = writeOf('late', ['engine'], { vectors: [vector], values: { price: 5 } });
          await store.putDocuments(ref, PIN, [late]);
          const best = async (): Promise<string | undefined> =>
            (await store.vectorLeg(ref, { vector, k: 1, filter: ALL })).hits[0]?.documentId;
          if (metric !== 'dot') assert.equal(await best(), 'late');
          const { hits } = await store.vectorLeg(ref, { vector, k: 3, filter: equalTo('price', 5) });
          assert.deepEqual(
            hits.map(({ documentId }) => documentId),
            ['late'],
          );
          await store.deleteDocuments(ref.collection, ['late']);
          assert.notEqual(await best(), 'late');
        },
      },
    ],
  };
});

interface Loaded extends Place {
  readonly random: Random;
}

async function load(context: Context, index: VectorIndex, metric: Metric): Promise<Loaded> {
  const store = context.store();
  const random = createRandom(77);
  const place = { store, ref: await context.create({ metric, index }), random };
  const writes = Array.from({ length: CHUNKS }, (_, at) =>
    writeOf(`d${String(at)}`, ['engine'], {
      vectors: [random.vector(DIMENSIONS)],
      values: { price: at === 0 ? 1000 : at <= 15 ? 100 : at <= 165 ? 10 : 0 },
    }),
  );
  for (let at = 0; at < CHUNKS; at += 250) {
    await store.putDocuments(place.ref, PIN, writes.slice(at, at + 250));
  }
  await store.finishLoad(place.ref);
  await store.finishLoad(place.ref);
  return place;
}
