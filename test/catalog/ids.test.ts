/** Ids that no store can keep are ids of no document, and never a store's error. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { sourceOf } from '../support/source.js';
import { testStores } from '../support/stores.js';

const BAD = ['a\0b', '\ud800'] as const;

for (const tested of testStores()) {
  describe(`ids with NUL or half a surrogate pair: ${tested.name}`, () => {
    test('are refused one by one by an ingest, and found nowhere', async () => {
      const opened = await tested.open();
      try {
        const embedder = createFakeEmbedder();
        const runtime = await openRuntime(loadConfig({}), {
          store: opened.store,
          openEmbedder: () => Promise.resolve(embedder),
        });
        const { catalog } = runtime;
        await catalog.createCollection({ name: 'parts', embedder: 'fake' });
        const { added, failed } = await runtime.ingest(
          'parts',
          sourceOf(
            // U+FFFD is what half a pair would be written as.
            [...BAD, 'good', '\ufffd'].map((id) => ({
              id,
              format: 'text',
              content: 'It turns.',
              metadata: {},
            })),
          ),
        );
        assert.deepEqual(
          [added, failed.map(({ code }) => code)],
          [2, ['invalid_document', 'invalid_document']],
        );
        assert.deepEqual([...(await catalog.presentDocuments('parts', [...BAD, 'good', 'ghost']))], ['good']);
        const request = queryRequestSchema.parse({ query: 'what turns?' });
        for (const id of BAD) {
          await assert.rejects(catalog.getDocument('parts', id), { code: 'document_not_found' });
          await assert.rejects(catalog.deleteDocument('parts', id), { code: 'document_not_found' });
          await assert.rejects(catalog.listDocuments('parts', { limit: 1, after: id }), {
            code: 'invalid_request',
            field: 'after',
          });
          const { stage } = await runtime.why('parts', { request, document_id: id });
          assert.equal(stage, 'not_ingested');
          const question = { query: 'x', expected: [{ document: id }] };
          await assert.rejects(runtime.evalSets.put('parts', { name: 'own', questions: [question] }), {
            code: 'invalid_request',
            field: 'questions[0].expected[0].document',
          });
        }
        assert.equal(await catalog.countDocuments('parts'), 2);
      } finally {
        await opened.close();
      }
    });
  });
}
