/** How many requests a question takes: each is a wait for its asker. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import { createOrigins } from '../../../src/stores/opensearch/origins.js';
import type { GenerationRef, VectorStore } from '../../../src/stores/port.js';
import { ALL, PIN, createIn, specOf, vectorOf, writeOf } from '../../conformance/store/fixtures.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import type { TestPrefix } from '../../support/opensearch.js';
import { storeNames } from '../../support/stores.js';
import { startFaultyServer } from './faulty-server.js';
import type { FaultyServer } from './faulty-server.js';

if (storeNames().includes('opensearch')) {
  describe('reading chunks on opensearch', () => {
    let place: TestPrefix;
    let server: FaultyServer;
    let writer: VectorStore;
    let ref: GenerationRef;

    before(async () => {
      place = makeTestPrefix();
      server = await startFaultyServer(place.options.node);
      writer = await openOpenSearchStore(place.options);
      ref = await createIn(writer, specOf({ name: 'read' }));
      await writer.putDocuments(ref, PIN, [
        writeOf('a', ['engine one', 'engine two']),
        writeOf('b', ['valve']),
      ]);
    });
    after(async () => {
      await writer.close();
      await server.close();
      await place.remove();
    });

    const requestsOf = async (run: () => Promise<unknown>): Promise<number> => {
      server.breakAt(Infinity, 'request');
      await run();
      return server.repair();
    };

    for (const leg of ['vector', 'keyword'] as const) {
      it(`takes one request for what the ${leg} leg answered, and two for others`, async () => {
        const store = await openOpenSearchStore({ ...place.options, node: server.node });
        try {
          const hits =
            leg === 'vector'
              ? (await store.vectorLeg(ref, { vector: vectorOf('x'), k: 3, filter: ALL })).hits
              : await store.keywordLeg(ref, { text: 'engine valve', k: 3, filter: ALL });
          const ids = hits.map(({ chunkId }) => chunkId);
          assert.equal(ids.length, 3);
          let chunks: Awaited<ReturnType<VectorStore['getChunks']>> = new Map();
          const read = async (): Promise<void> => {
            chunks = await store.getChunks(ref, ids);
          };
          assert.equal(await requestsOf(read), 1);
          assert.deepEqual(chunks, await writer.getChunks(ref, ids));
          assert.equal(chunks.get(ids[0] ?? '')?.documentId, hits[0]?.documentId);

          const fresh = await openOpenSearchStore({ ...place.options, node: server.node });
          await fresh.countCollection(ref.collection);
          assert.equal(await requestsOf(() => fresh.getChunks(ref, ids)), 2);
          await fresh.close();
        } finally {
          await store.close();
        }
      });
    }
  });
}

it('what is remembered of chunks does not grow without end', () => {
  const origins = createOrigins(2);
  const hit = (chunkId: string) => ({ chunkId, documentId: `of ${chunkId}`, score: 1 });
  origins.remember([hit('1'), hit('2')]);
  origins.remember([hit('1'), hit('3')]);
  assert.deepEqual(
    ['1', '2', '3'].map((id) => origins.get(id)),
    ['of 1', undefined, 'of 3'],
  );
});
