import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { sourceOf } from '../support/source.js';
import { documentOf } from './soak/documents.js';

const NAME = 'busy';
const AUTHOR = { by: 'tester', reason: 'test', force: true };

/** A collection into which somebody writes a document before each attempt to switch. */
async function openBusy(): ReturnType<typeof openRuntime> {
  const memory = createMemoryStore();
  const { generations } = memory;
  assert.ok(generations !== undefined);
  let version = 1;
  const store: VectorStore = {
    ...memory,
    generations: {
      ...generations,
      async activate(...call) {
        version += 1;
        await runtime.ingest(NAME, sourceOf([documentOf('d1', version)]));
        return generations.activate(...call);
      },
    },
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    openEmbedder: (name) => Promise.resolve(createFakeEmbedder({ name, pin: { model: name } })),
  });
  await runtime.catalog.createCollection({ name: NAME, embedder: 'first' });
  await runtime.ingest(NAME, sourceOf([documentOf('d1', version), documentOf('d2', version)]));
  return runtime;
}

test('a generation that was built becomes active though documents are written all the while', async () => {
  const { generations } = await openBusy();
  const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
  assert.equal((await generations.activate(NAME, id, AUTHOR)).state, 'active');
});

test('and so does one that was active before', async () => {
  const { generations, catalog } = await openBusy();
  const before = (await catalog.getCollection(NAME)).generation.id;
  const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
  await generations.activate(NAME, id, AUTHOR);
  assert.equal((await generations.rollback(NAME, AUTHOR)).id, before);
});
