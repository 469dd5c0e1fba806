import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import type { FakeOptions } from '../support/fake-embedder.js';
import { testStores } from '../support/stores.js';
import type { OpenedStore } from '../support/stores.js';
import { sourceOf } from '../support/source.js';
import { documentOf } from './soak/documents.js';

const AUTHOR = { by: 'tester', reason: 'test', force: true };

describe('a generation that is dropped', () => {
  for (const { name, open } of testStores()) {
    describe(name, () => {
      let opened: OpenedStore;
      before(async () => {
        opened = await open();
      });
      after(() => opened.close());

      test('under a query: the one that is active then answers', async () => {
        const { runtime, first, switchAndDrop, held } = await prepare(opened.store, 'asked');
        const request = queryRequestSchema.parse({ query: 'engine', mode: 'vector' });
        let second = 0;
        held.run = async () => {
          second = await switchAndDrop();
        };
        const answer = await runtime.retrieve('asked', request);
        assert.equal(answer.generation, second);
        assert.equal(answer.hits[0]?.document_id, 'd1');

        // One that names what is gone, and a collection that is gone, are refused as ever.
        await assert.rejects(runtime.retrieve('asked', { ...request, generation: first }), {
          code: 'generation_not_found',
        });
        held.run = () => runtime.catalog.deleteCollection('asked');
        await assert.rejects(runtime.retrieve('asked', request), { code: 'collection_not_found' });
      });

      test('under an ingest: it ends in the one that is active then', async () => {
        const { runtime, switchAndDrop } = await prepare(opened.store, 'written');
        const summary = await runtime.ingest('written', {
          total: null,
          async *items() {
            yield { kind: 'document', document: documentOf('d2', 1) };
            await switchAndDrop();
            yield { kind: 'document', document: documentOf('d1', 2) };
          },
        });
        assert.deepEqual([summary.added, summary.changed, summary.failed], [1, 1, []]);
        assert.deepEqual(
          await runtime.catalog.describeCollection('written').then(({ counts }) => counts.documents),
          2,
        );
        const [{ documents, missing } = { documents: 0, missing: 0 }] =
          await runtime.generations.list('written');
        assert.deepEqual([documents, missing], [2, 0]);
      });
    });
  }
});

interface Prepared {
  readonly runtime: Runtime;
  readonly first: number;
  /** Answers the generation that is active then. */
  readonly switchAndDrop: () => Promise<number>;
  /** Runs once while a question is embedded: the query has read which generation is active. */
  readonly held: { run: (() => Promise<void>) | null };
}

/** A collection of one document, with a second generation that is built. */
async function prepare(store: VectorStore, collection: string): Promise<Prepared> {
  const held: Prepared['held'] = { run: null };
  const before: FakeOptions['before'] = async (_texts, { inputType }) => {
    const { run } = held;
    if (inputType !== 'query' || run === null) return;
    held.run = null;
    await run();
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    openEmbedder: (name) => Promise.resolve(createFakeEmbedder({ name, pin: { model: name }, before })),
  });
  await runtime.catalog.createCollection({ name: collection, embedder: 'first' });
  await runtime.ingest(collection, sourceOf([documentOf('d1', 1)]));
  const first = (await runtime.catalog.getCollection(collection)).generation.id;
  const { id } = await runtime.generations.start(collection, { embedder: 'second' }, AUTHOR);
  await runtime.generations.build(collection, id, AUTHOR);
  return {
    runtime,
    first,
    held,
    async switchAndDrop() {
      await runtime.generations.activate(collection, id, AUTHOR);
      await runtime.generations.drop(collection, first, AUTHOR);
      return id;
    },
  };
}
