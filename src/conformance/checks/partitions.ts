/** Collections whose index is in partitions: in nothing but speed do they differ from others. */
import assert from 'node:assert/strict';
import { parseFilter } from '../../retrieval/filter/parse.js';
import type { FieldValues, Partitions } from '../../model.js';
import type { GenerationRef, LegHit, VectorStore } from '../../stores/port.js';
import { FILTER_FIELDS, randomFilter, randomValues } from '../filters.js';
import { DIMENSIONS, PIN, createIn, equalTo, specOf, writeOf } from '../fixtures.js';
import type { Check, CheckGroup, Context } from '../check.js';
import { inParallel } from '../in-parallel.js';
import { createRandom } from '../random.js';

const SEED = 20_250_131;
const DOCUMENTS = 150;
const FILTERS = 60;
const CONCURRENCY = 8;
/** More than there is. */
const EVERYTHING = 1000;

const SETTINGS: readonly Partitions[] = [
  { field: 'word', count: 4, by: 'value' },
  { field: 'amount', count: 5, by: 'value' },
  { field: 'flag', count: 2, by: 'value' },
  { field: 'day', count: 7, by: 'month' },
  { field: 'day', count: 3, by: 'year' },
];

/** Each way of partitioning under random filters, and documents that go from one part to another. */
export const partitionChecks: CheckGroup = {
  name: 'partitions',
  requires: { index: 'hnsw', partitions: true },
  checks: [
    ...SETTINGS.map((partitions): Check => ({
      name: `random filters mean what they mean in memory: ${partitions.field} by ${partitions.by}`,
      async run(context: Context): Promise<void> {
        const name = context.newName();
        const [actual, expected] = [context.store(), context.reference()];
        const ref = await load(actual, name, partitions);
        const expectedRef = await load(expected, name, partitions);
        const random = createRandom(SEED + 1);
        const asked = Array.from({ length: FILTERS }, () => ({
          input: randomFilter(random),
          vector: random.vector(DIMENSIONS),
        }));
        await inParallel(CONCURRENCY, asked, async ({ input, vector }) => {
          const filter = parseFilter(input, FILTER_FIELDS);
          const select = async (store: VectorStore, of: GenerationRef): Promise<unknown> => {
            const { hits } = await store.vectorLeg(of, { vector, k: EVERYTHING, filter });
            const words = await store.keywordLeg(of, { text: 'engine', k: EVERYTHING, filter });
            return { vector: chunkIds(hits), keyword: chunkIds(words) };
          };
          assert.deepEqual(
            await select(actual, ref),
            await select(expected, expectedRef),
            JSON.stringify(input).slice(0, 2000),
          );
        });
      },
    })),

    {
      name: 'a document whose value changes is found by the new one, once, and gone when deleted',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const index = {
          kind: 'hnsw',
          m: 8,
          efConstruction: 32,
          buildAfter: 1,
          partitions: { field: 'dept', count: 16, by: 'value' },
        } as const;
        const ref = await context.create({ index });
        const vectors = [createRandom(SEED).vector(DIMENSIONS)];
        const [vector = new Float32Array(DIMENSIONS)] = vectors;
        const found = async (filter: Parameters<VectorStore['vectorLeg']>[1]['filter']): Promise<unknown> => {
          const { hits } = await store.vectorLeg(ref, { vector, k: 10, filter });
          const words = await store.keywordLeg(ref, { text: 'engine', k: 10, filter });
          return [hits, words].map((leg) => leg.map(({ documentId }) => documentId));
        };
        const put = async (values: FieldValues, version: string): Promise<void> => {
          await store.putDocuments(ref, PIN, [writeOf('a', ['engine'], { vectors, values, version })]);
        };
        const there = [['a'], ['a']];
        const nowhere = [[], []];
        for (const isBuilt of [false, true]) {
          await put({ dept: 'Legal' }, `1 ${String(isBuilt)}`);
          if (isBuilt) await store.finishLoad(ref);
          const moves: readonly FieldValues[] = [{ dept: 'Sales' }, {}, { dept: 'Ops' }, { dept: 'Legal' }];
          for (const [at, values] of moves.entries()) {
            await put(values, `${String(at)} ${String(isBuilt)}`);
            assert.deepEqual(await found({ kind: 'all' }), there);
            for (const dept of ['Legal', 'Sales', 'Ops', 'HR']) {
              assert.deepEqual(await found(equalTo('dept', dept)), values['dept'] === dept ? there : nowhere);
            }
            const chunkIdsOf = (await store.documentChunks(ref, 'a')).map(({ id }) => id);
            const scores = await store.scoreChunks(ref, { chunkIds: chunkIdsOf, vector });
            assert.equal(scores.size, 1);
            assert.equal((await store.documentVectors(ref, 'a')).size, 1);
          }
        }
        assert.equal(await store.deleteDocuments(ref.collection, ['a']), 1);
        assert.deepEqual(await found({ kind: 'all' }), nowhere);
        assert.deepEqual(await found(equalTo('dept', 'Legal')), nowhere);
        assert.equal((await store.countCollection(ref.collection)).chunks, 0);
      },
    },
  ],
};

async function load(store: VectorStore, name: string, partitions: Partitions): Promise<GenerationRef> {
  const random = createRandom(SEED);
  const index = { kind: 'hnsw', m: 8, efConstruction: 32, buildAfter: 50, partitions } as const;
  const ref = await createIn(store, specOf({ name, fields: FILTER_FIELDS, index }));
  const writes = Array.from({ length: DOCUMENTS }, (_, at) =>
    writeOf(`d${String(at)}`, [`engine unit${String(at)}`], {
      values: randomValues(random),
      vectors: [random.vector(DIMENSIONS)],
    }),
  );
  await store.putDocuments(ref, PIN, writes);
  await store.finishLoad(ref);
  return ref;
}

function chunkIds(leg: readonly LegHit[]): readonly string[] {
  return leg.map(({ chunkId }) => chunkId).toSorted();
}
