/** Partitions over HTTP: asked for, answered, refused, and said of the store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { collectionSchema } from '../../src/api/schemas/collection.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { openApp } from './support.js';

type Send = (
  method: 'GET' | 'POST',
  url: string,
  payload?: object,
) => Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;

async function open(t: TestContext, partitions: boolean): Promise<Send> {
  const store = createMemoryStore();
  const embedder = createFakeEmbedder();
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store: partitions ? { ...store, capabilities: { ...store.capabilities, partitions } } : store,
    openEmbedder: () => Promise.resolve(embedder),
  });
  const { fastify } = await openApp(t, runtime);
  t.after(() => runtime.close());
  return async (method, url, payload) => {
    const response = await fastify.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    return { status: response.statusCode, body: response.json() };
  };
}

function bodyOf(partitions: object, kind = 'hnsw'): object {
  return {
    name: 'c',
    embedder: 'fake',
    fields: { dept: 'keyword', day: 'date' },
    index: { kind, partitions },
  };
}

test('an index in partitions comes back as it was asked for, and the next generation has it too', async (t) => {
  const send = await open(t, true);
  const made = await send('POST', '/v1/collections', bodyOf({ field: 'dept', count: 8 }));
  assert.equal(made.status, 201);
  const index = {
    kind: 'hnsw',
    m: 16,
    ef_construction: 128,
    build_after: 20_000,
    partitions: { field: 'dept', count: 8, by: 'value' },
  };
  assert.deepEqual(collectionSchema.parse(made.body).generation.index, index);
  const start = { chunker: { kind: 'fixed' } };
  const next = await send('POST', '/v1/collections/c/generations', start);
  assert.deepEqual(next.body['index'], index);
});

test('what cannot be is refused with the setting', async (t) => {
  const send = await open(t, true);
  const cases: readonly (readonly [object, string])[] = [
    [{ field: 'team', count: 8 }, 'index.partitions.field'],
    [{ field: 'dept', count: 100 }, 'index.partitions.count'],
    [{ field: 'day', count: 8 }, 'index.partitions.by'],
    [{ field: 'dept', count: 8, by: 'week' }, 'index.partitions.by'],
    [{ count: 8 }, 'index.partitions.field'],
    [{ field: 'dept' }, 'index.partitions.count'],
  ];
  for (const [partitions, field] of cases) {
    const { status, body } = await send('POST', '/v1/collections', bodyOf(partitions));
    assert.deepEqual([status, body['code'], body['field']], [400, 'invalid_request', field]);
  }
  const other = await send('POST', '/v1/collections', bodyOf({ field: 'dept', count: 8 }, 'ivfflat'));
  assert.deepEqual([other.status, other.body['code']], [400, 'invalid_request']);
});

test('a store says whether it has partitions, and without them answers 422', async (t) => {
  for (const has of [true, false]) {
    const send = await open(t, has);
    assert.equal((await send('GET', '/v1/stores/capabilities')).body['partitions'], has);
    const { status, body } = await send('POST', '/v1/collections', bodyOf({ field: 'dept', count: 8 }));
    if (has) assert.equal(status, 201);
    else
      assert.deepEqual(
        [status, body['code'], body['field']],
        [422, 'unsupported_capability', 'index.partitions'],
      );
  }
});
