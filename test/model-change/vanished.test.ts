import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { sourceOf } from '../support/source.js';
import { documentOf } from './soak/documents.js';

/** Of a small collection that is written to all the time, this many in a row have been met. */
const CHANGES = 6;

test('a query whose passages are replaced under it again and again is answered', async () => {
  const memory = createMemoryStore();
  let version = 1;
  const put = async (): Promise<void> => {
    await runtime.ingest('hot', sourceOf([documentOf('d1', version)]));
  };
  const store: VectorStore = {
    ...memory,
    async vectorLeg(...call) {
      const found = await memory.vectorLeg(...call);
      if (version <= CHANGES) {
        version += 1;
        await put();
      }
      return found;
    },
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    openEmbedder: (name) => Promise.resolve(createFakeEmbedder({ name })),
  });
  await runtime.catalog.createCollection({ name: 'hot', embedder: 'fake' });
  await put();
  const request = queryRequestSchema.parse({ query: 'engine', mode: 'vector' });
  const { hits } = await runtime.retrieve('hot', request);
  assert.equal(hits[0]?.metadata['version'], CHANGES + 1);
});
