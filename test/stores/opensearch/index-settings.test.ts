/** What an HNSW index gets that was left to the store, and what of it reaches the server. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { createCatalog } from '../../../src/catalog/catalog.js';
import type { Catalog, NewVectorIndex } from '../../../src/catalog/types.js';
import { RetrievalError } from '../../../src/errors.js';
import { createMemoryStore } from '../../../src/stores/memory/index.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import type { VectorStore } from '../../../src/stores/port.js';
import { ALL, PIN, specOf, writeOf } from '../../conformance/store/fixtures.js';
import { createRandom } from '../../support/random.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import type { TestPrefix } from '../../support/opensearch.js';
import { storeNames } from '../../support/stores.js';

const HNSW: NewVectorIndex = { kind: 'hnsw', buildAfter: 20_000 };

function catalogOver(store: VectorStore): Catalog {
  const openEmbedder = (): Promise<{ readonly name: string; readonly pin: typeof PIN }> =>
    Promise.resolve({ name: 'test', pin: PIN });
  return createCatalog({ store, openEmbedder });
}

async function made(catalog: Catalog, name: string, index?: NewVectorIndex): Promise<unknown> {
  const input = {
    name,
    embedder: 'test',
    metric: 'cosine',
    ...(index === undefined ? {} : { index }),
  } as const;
  return (await catalog.createCollection(input)).generation.index;
}

it('a store that states no defaults has those of the catalog', async () => {
  const catalog = catalogOver(createMemoryStore());
  assert.deepEqual(await made(catalog, 'named', HNSW), { ...HNSW, m: 16, efConstruction: 128 });
});

if (storeNames().includes('opensearch')) {
  describe('the index of a collection on opensearch', () => {
    let place: TestPrefix;
    let store: VectorStore;
    let catalog: Catalog;

    before(async () => {
      place = makeTestPrefix();
      store = await openOpenSearchStore(place.options);
      catalog = catalogOver(store);
    });
    after(async () => {
      await store.close();
      await place.remove();
    });

    /** The vector field, as the server has it. */
    async function fieldOf(name: string): Promise<z.infer<typeof fieldSchema>> {
      const { generation } = await catalog.getCollection(name);
      const index = `${place.options.prefix}-generation-${String(generation.id)}`;
      const response = await fetch(`${place.options.node}/${index}/_mapping`);
      const [mapping] = Object.values(mappingSchema.parse(await response.json()));
      assert.ok(mapping);
      return mapping.mappings.properties.embedding;
    }

    it('has m 16 and ef_construction 512 where neither is named', async () => {
      const expected = { ...HNSW, m: 16, efConstruction: 512 };
      assert.deepEqual(await made(catalog, 'unnamed'), expected);
      assert.deepEqual(await made(catalog, 'kind-only', HNSW), expected);
      for (const name of ['unnamed', 'kind-only']) {
        assert.deepEqual((await fieldOf(name)).method.parameters, { m: 16, ef_construction: 512 });
      }
    });

    it('keeps its vectors compressed where told, and scores by whole ones', async () => {
      const index = { ...HNSW, buildAfter: 0, compression: '4x' } as const;
      assert.deepEqual(await made(catalog, 'compressed', index), { ...index, m: 16, efConstruction: 512 });
      assert.equal((await fieldOf('compressed')).compression_level, '4x');
      const { generation } = await catalog.getCollection('compressed');
      const ref = { collection: 'compressed', generation: generation.id };
      const random = createRandom(5);
      const writes = Array.from({ length: 1200 }, (_, at) =>
        writeOf(`d${String(at)}`, ['engine'], { vectors: [random.vector(PIN.dimensions)] }),
      );
      await store.putDocuments(ref, PIN, writes);
      let found = 0;
      for (let question = 0; question < 10; question += 1) {
        const query = { vector: random.vector(PIN.dimensions), k: 10, filter: ALL };
        const exact = await store.vectorLeg(ref, { ...query, exact: true });
        const near = await store.vectorLeg(ref, query);
        assert.deepEqual([exact.plan.strategy, near.plan.strategy], ['exact', 'approximate']);
        const scores = new Map(exact.hits.map(({ chunkId, score }) => [chunkId, score]));
        for (const { chunkId, score } of near.hits) {
          const expected = scores.get(chunkId);
          if (expected === undefined) continue;
          found += 1;
          assert.equal(score, expected);
        }
      }
      assert.ok(found >= 99, `found ${String(found)} of 100`);
    });

    it('refuses a compression that its engine or its kind does not have', async () => {
      const refused = async (over: VectorStore, name: string, index: NewVectorIndex): Promise<unknown> => {
        const [result] = await Promise.allSettled([made(catalogOver(over), name, index)]);
        assert.ok(result.status === 'rejected' && result.reason instanceof RetrievalError);
        return [result.reason.code, result.reason.field];
      };
      const memory = createMemoryStore();
      const cases = [
        [memory, { compression: '4x' }, 'index.compression'],
        [memory, { compression: '32x', onDisk: true }, 'index.compression'],
        [store, { compression: '32x' }, 'index.compression'],
        [store, { compression: '4x', onDisk: true }, 'index.on_disk'],
      ] as const;
      for (const [over, settings, field] of cases) {
        assert.deepEqual(await refused(over, 'refused', { ...HNSW, ...settings }), [
          'unsupported_capability',
          field,
        ]);
      }
      assert.deepEqual(await refused(store, 'refused', { ...HNSW, onDisk: true }), [
        'invalid_request',
        'index.compression',
      ]);
      assert.equal(await store.getCollection('refused'), null);
      // The store refuses it too: it is not asked by catalogs only.
      const spec = specOf({
        name: 'refused',
        index: { kind: 'hnsw', m: 16, efConstruction: 512, buildAfter: 0, compression: '2x' },
      });
      await assert.rejects(store.createCollection(spec), { code: 'unsupported_capability' });
    });

    it('is on disk with engine faiss', async () => {
      const faiss = await openOpenSearchStore({ ...place.options, engine: 'faiss' });
      try {
        // Made, not filled: that takes native libraries, which a test server need not have.
        const index = { ...HNSW, compression: '32x', onDisk: true } as const;
        assert.deepEqual(await made(catalogOver(faiss), 'on-disk', index), {
          ...index,
          m: 16,
          efConstruction: 512,
        });
        const { mode, compression_level: level, method } = await fieldOf('on-disk');
        assert.deepEqual([mode, level, method.engine], ['on_disk', '32x', 'faiss']);
      } finally {
        await faiss.close();
      }
    });

    it('has the values that were given', async () => {
      const given = { ...HNSW, efConstruction: 128 };
      assert.deepEqual(await made(catalog, 'given', given), { ...given, m: 16 });
      assert.deepEqual((await fieldOf('given')).method.parameters, { m: 16, ef_construction: 128 });
    });
  });
}

const fieldSchema = z.object({
  mode: z.string().optional(),
  compression_level: z.string().optional(),
  method: z.object({ engine: z.string(), parameters: z.record(z.string(), z.unknown()) }),
});
const mappingSchema = z.record(
  z.string(),
  z.object({ mappings: z.object({ properties: z.object({ embedding: fieldSchema }) }) }),
);
