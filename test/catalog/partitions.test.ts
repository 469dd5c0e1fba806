/** Partitions as they are asked for: completed, carried over to another generation, or refused by name. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewPartitions, NewVectorIndex } from '../../src/catalog/types.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

const FIELDS = { dept: 'keyword', price: 'number', open: 'boolean', day: 'date', tags: 'keyword[]' } as const;
const AUTHOR = { by: 'test' };

function indexOf(partitions: NewPartitions): NewVectorIndex {
  return { kind: 'hnsw', buildAfter: 20_000, partitions };
}

/** Over a store that says that it has partitions, or over one that has none. */
async function open(has: boolean): Promise<Runtime> {
  const store = createMemoryStore();
  const embedder = createFakeEmbedder();
  return openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store: has ? { ...store, capabilities: { ...store.capabilities, partitions: true } } : store,
    openEmbedder: () => Promise.resolve(embedder),
  });
}

describe('partitions', () => {
  test('are kept as asked for, by value where nothing else is said', async () => {
    const { catalog } = await open(true);
    const cases: readonly (readonly [NewPartitions, string])[] = [
      [{ field: 'dept', count: 8 }, 'value'],
      [{ field: 'price', count: 2, by: 'value' }, 'value'],
      [{ field: 'open', count: 64 }, 'value'],
      [{ field: 'day', count: 12, by: 'month' }, 'month'],
      // What every collection has.
      [{ field: 'created_at', count: 5, by: 'year' }, 'year'],
      [{ field: 'source', count: 5 }, 'value'],
    ];
    for (const [at, [partitions, by]] of cases.entries()) {
      const made = await catalog.createCollection({
        name: `c${String(at)}`,
        embedder: 'fake',
        fields: FIELDS,
        index: indexOf(partitions),
      });
      assert.deepEqual(made.generation.index, {
        kind: 'hnsw',
        m: 16,
        efConstruction: 128,
        buildAfter: 20_000,
        partitions: { ...partitions, by },
      });
    }
  });

  test('are refused by name where they cannot be', async () => {
    const { catalog } = await open(true);
    const cases: readonly (readonly [NewPartitions, string, RegExp])[] = [
      [{ field: 'team', count: 8 }, 'field', /no declared field.*declare it/u],
      [{ field: '__proto__', count: 8 }, 'field', /no declared field/u],
      [{ field: 'tags', count: 8 }, 'field', /keyword\[\].*one value/u],
      [{ field: 'dept', count: 1 }, 'count', /from 2 to 64/u],
      [{ field: 'dept', count: 65 }, 'count', /from 2 to 64/u],
      [{ field: 'dept', count: 2.5 }, 'count', /from 2 to 64/u],
      [{ field: 'dept', count: 8, by: 'month' }, 'by', /for dates.*value/u],
      [{ field: 'day', count: 8 }, 'by', /month or year/u],
      [{ field: 'day', count: 8, by: 'value' }, 'by', /month or year/u],
    ];
    for (const [partitions, setting, message] of cases) {
      await assert.rejects(
        catalog.createCollection({
          name: 'c',
          embedder: 'fake',
          fields: FIELDS,
          index: indexOf(partitions),
        }),
        { code: 'invalid_request', field: `index.partitions.${setting}`, message },
        JSON.stringify(partitions),
      );
    }
    // Inferred fields come later.
    await assert.rejects(
      catalog.createCollection({ name: 'c', embedder: 'fake', index: indexOf({ field: 'dept', count: 8 }) }),
      { code: 'invalid_request', field: 'index.partitions.field' },
    );
  });

  test('are what a store says that it has, or are refused', async () => {
    const { catalog } = await open(false);
    await assert.rejects(
      catalog.createCollection({
        name: 'c',
        embedder: 'fake',
        fields: FIELDS,
        index: indexOf({ field: 'dept', count: 8 }),
      }),
      { code: 'unsupported_capability', field: 'index.partitions' },
    );
  });

  test('are carried over to another generation, unless its index is named', async () => {
    const { catalog, generations } = await open(true);
    const index = indexOf({ field: 'dept', count: 8 });
    await catalog.createCollection({ name: 'c', embedder: 'fake', fields: FIELDS, index });
    const partitionsOf = async (wish: { readonly index?: NewVectorIndex }): Promise<unknown> => {
      const made = await generations.start('c', { chunker: { kind: 'fixed' }, ...wish }, AUTHOR);
      await generations.drop('c', made.id, AUTHOR);
      return made.index.kind === 'hnsw' ? made.index.partitions : null;
    };
    assert.deepEqual(await partitionsOf({}), { field: 'dept', count: 8, by: 'value' });
    const monthly = { field: 'day', count: 12, by: 'month' } as const;
    assert.deepEqual(await partitionsOf({ index: indexOf(monthly) }), monthly);
    assert.equal(await partitionsOf({ index: { kind: 'hnsw', buildAfter: 20_000 } }), undefined);
    await assert.rejects(partitionsOf({ index: indexOf({ field: 'team', count: 8 }) }), {
      code: 'invalid_request',
      field: 'index.partitions.field',
    });
    // The history of a collection is JSON all through.
    const history = JSON.stringify(await generations.history('c', { limit: 10 }));
    assert.match(history, /"partitions":\{"field":"day","count":12,"by":"month"\}/u);
    // The same once more would cost its building and change nothing.
    await assert.rejects(generations.start('c', { index }, AUTHOR), /has this model, chunker and index/u);
  });

  test('are of a field that a document has one value of: a list is refused with its path', async () => {
    const runtime = await open(true);
    await runtime.catalog.createCollection({
      name: 'c',
      embedder: 'fake',
      fields: FIELDS,
      index: indexOf({ field: 'dept', count: 8 }),
    });
    const { failed } = await runtime.ingest('c', {
      total: 1,
      async *items() {
        const metadata = { dept: ['Legal', 'Sales'] };
        yield { kind: 'document', document: { id: 'a', format: 'text', content: 'Engine.', metadata } };
      },
    });
    assert.deepEqual(
      failed.map(({ name, code }) => [name, code]),
      [['a', 'field_type_conflict']],
    );
    assert.match(failed[0]?.reason ?? '', /metadata\.dept is not a keyword.*but a list/u);
  });
});
