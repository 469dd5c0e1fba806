/**
 * Writers that meet, and writers that are interrupted: a write or a delete that loses its server at any of its requests: readers never see a part of it,
 * the next write brings it to an end, and the same write again gives what an uninterrupted one does.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createMemoryStore } from '../../../src/stores/memory/index.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import type { GenerationRef, VectorStore } from '../../../src/stores/port.js';
import { ALL, PIN, createIn, randomWrite, specOf, writeOf } from '../../conformance/store/fixtures.js';
import { createRandom } from '../../support/random.js';
import { storeNames } from '../../support/stores.js';
import { openFaultyPlace } from './faulty-place.js';
import type { FaultyPlace } from './faulty-place.js';
import type { Loss } from './faulty-server.js';

const OLD = [writeOf('a', ['engine one', 'engine two']), writeOf('b', ['engine valve'])];
const NEW = [
  writeOf('a', ['engine', 'engine rotor', 'rotor rotor'], { version: '2' }),
  writeOf('c', ['engine piston', 'valve'], { version: '2' }),
];
const OTHER = writeOf('other', ['gasket']);
/** More than either has. */
const MOST_REQUESTS = 30;

type Work = (store: VectorStore, ref: GenerationRef) => Promise<unknown>;

const WORKS: Readonly<Record<string, Work>> = {
  'a write': (store, ref) => store.putDocuments(ref, PIN, NEW),
  'a delete': (store, ref) => store.deleteDocuments(ref.collection, ['a', 'b']),
};

if (storeNames().includes('opensearch')) {
  describe('writes on opensearch', () => {
    let opened: FaultyPlace;
    let place: FaultyPlace['place'];
    let server: FaultyPlace['server'];
    let store: VectorStore;
    let faulty: VectorStore;

    before(async () => {
      opened = await openFaultyPlace();
      ({ place, server, store, faulty } = opened);
    });
    after(() => opened.close());

    for (const [name, work] of Object.entries(WORKS)) {
      for (const loss of ['request', 'answer'] as const) {
        it(`${name} that loses a ${loss}`, async () => {
          let request = 1;
          while (await survives(request, loss, name, work)) {
            request += 1;
            assert.ok(request < MOST_REQUESTS);
          }
          assert.ok(request > 5, `only ${String(request)} requests`);
        });
      }
    }

    /** What there is to see when another write has been made, and taken back. */
    async function shownAfterAnother(ref: GenerationRef): Promise<unknown> {
      await store.putDocuments(ref, PIN, [OTHER]);
      await store.deleteDocuments(ref.collection, [OTHER.document.id]);
      return shown(store, ref);
    }

    it('two stores that write at once take turns', async () => {
      const second = await openOpenSearchStore(place.options);
      try {
        const ref = await createIn(store, specOf({ name: 'shared' }));
        const memory = createMemoryStore();
        const expected = await createIn(memory, specOf({ name: 'shared' }));
        const random = createRandom(3);
        const rounds = Array.from({ length: 12 }, (_, round) =>
          ['a', 'b', `own-${String(round)}`].map((id) => randomWrite(random, id, String(round))),
        );
        await Promise.all(
          rounds.map((writes, round) => (round % 2 === 0 ? store : second).putDocuments(ref, PIN, writes)),
        );
        const last = ['a', 'b'].map((id) => randomWrite(random, id, 'last'));
        await second.putDocuments(ref, PIN, last);
        for (const writes of [...rounds, last]) await memory.putDocuments(expected, PIN, writes);
        assert.deepEqual(await shown(store, ref), await shown(memory, expected));
      } finally {
        await second.close();
      }
    });

    /** False when the work was done before it came to that many requests. */
    async function survives(request: number, loss: Loss, name: string, work: Work): Promise<boolean> {
      const collection = `at-${String(request)}-${loss}-${name.replace(' ', '-')}`;
      const ref = await createIn(store, specOf({ name: collection }));
      await store.putDocuments(ref, PIN, OLD);
      const old = await shown(store, ref);
      const done = await expectedAfter(work);

      server.breakAt(request, loss);
      const [result] = await Promise.allSettled([work(faulty, ref)]);
      const wasInterrupted = server.repair() >= request;
      assert.equal(
        result.status === 'rejected',
        wasInterrupted,
        'an interruption is never taken for success',
      );

      const seen = await shown(store, ref);
      assert.ok(isOneOf(seen, [old, done]), `seen at once: ${JSON.stringify(seen)}`);
      const settled = await shownAfterAnother(ref);
      assert.ok(isOneOf(settled, [old, done]), `after the next write: ${JSON.stringify(settled)}`);
      await server.deliverLate();
      assert.deepEqual(
        await shownAfterAnother(ref),
        settled,
        'a request that comes too late changes nothing',
      );
      await work(store, ref);
      assert.deepEqual(await shown(store, ref), done);
      await store.deleteCollection(collection);
      return wasInterrupted;
    }
  });
}

async function expectedAfter(work: Work): Promise<unknown> {
  const memory = createMemoryStore();
  const ref = await createIn(memory, specOf({ name: 'expected' }));
  await memory.putDocuments(ref, PIN, OLD);
  await work(memory, ref);
  return shown(memory, ref);
}

/** All that there is to see: BM25 shows what the statistics count. */
async function shown(store: VectorStore, ref: GenerationRef): Promise<unknown> {
  const { items } = await store.listDocuments(ref.collection, { filter: ALL, limit: 100 });
  const documents = [];
  for (const { id, contentHash, chunkCount } of items) {
    const chunks = await store.documentChunks(ref, id);
    documents.push({ id, contentHash, chunkCount, chunks: chunks.map((chunk) => chunk.id) });
  }
  return {
    documents,
    counts: await store.countCollection(ref.collection),
    keyword: await store.keywordLeg(ref, { text: 'engine valve rotor', k: 100, filter: ALL }),
  };
}

function isOneOf(value: unknown, states: readonly unknown[]): boolean {
  return states.some((state) => JSON.stringify(state) === JSON.stringify(value));
}
