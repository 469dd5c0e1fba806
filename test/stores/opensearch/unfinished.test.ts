/** Collections whose making or deleting was cut off, at any request: no index is left that nobody knows. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { RetrievalError } from '../../../src/errors.js';
import { newHolder } from '../../../src/stores/holder.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import { isAbandoned } from '../../../src/stores/opensearch/reservations.js';
import type { VectorStore } from '../../../src/stores/port.js';
import { PIN, createIn, specOf, writeOf } from '../../conformance/store/fixtures.js';
import { storeNames } from '../../support/stores.js';
import { openFaultyPlace } from './faulty-place.js';
import type { FaultyPlace } from './faulty-place.js';
import type { Loss } from './faulty-server.js';

/** More than either has. */
const MOST_REQUESTS = 15;

const WORKS: Readonly<Record<string, (store: VectorStore, name: string) => Promise<unknown>>> = {
  'making a collection': (store, name) => store.createCollection(specOf({ name })),
  'deleting a collection': (store, name) => store.deleteCollection(name),
};

if (storeNames().includes('opensearch')) {
  describe('unfinished collections on opensearch', () => {
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

    for (const [work, run] of Object.entries(WORKS)) {
      for (const loss of ['request', 'answer'] as const) {
        it(`${work} that loses a ${loss} leaves nothing behind the next start`, async () => {
          let request = 1;
          while (await wasCutOff(request, loss, work, run)) {
            request += 1;
            assert.ok(request < MOST_REQUESTS);
          }
          assert.ok(request > 3, `only ${String(request)} requests`);
        });
      }
    }

    it('a name whose making was cut off can be taken at once, and used', async () => {
      server.breakAt(4, 'answer');
      await assert.rejects(faulty.createCollection(specOf({ name: 'again' })), RetrievalError);
      server.repair();
      const left = await unknownIndexes();
      assert.equal(left.length, 1, 'the test has to leave an index');
      const ref = await createIn(store, specOf({ name: 'again' }));
      await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
      assert.deepEqual(await store.countCollection('again'), { documents: 1, chunks: 1 });
      assert.deepEqual(await unknownIndexes(), []);
      await store.deleteCollection('again');
    });

    it('a request that comes after another start has swept changes nothing', async () => {
      // The last one: that which makes the entry a collection.
      server.breakAt(5, 'request');
      await assert.rejects(faulty.createCollection(specOf({ name: 'late' })), RetrievalError);
      server.repair();
      await (await openOpenSearchStore(place.options)).close();
      await server.deliverLate();
      assert.equal(await store.getCollection('late'), null);
      assert.deepEqual(await unknownIndexes(), []);
    });

    /** False when the work was done before it came to that many requests. */
    async function wasCutOff(
      request: number,
      loss: Loss,
      work: string,
      run: (store: VectorStore, name: string) => Promise<unknown>,
    ): Promise<boolean> {
      const name = `at-${String(request)}-${loss}-${work.replaceAll(' ', '-')}`;
      if (work.startsWith('deleting')) await createIn(store, specOf({ name }));
      server.breakAt(request, loss);
      const [result] = await Promise.allSettled([run(faulty, name)]);
      const wasInterrupted = server.repair() >= request;
      assert.equal(result.status === 'rejected', wasInterrupted);

      const collection = await store.getCollection(name);
      const listed = (await store.listCollections()).map((one) => one.name);
      await (await openOpenSearchStore(place.options)).close();
      assert.deepEqual(await unknownIndexes(), [], `request ${String(request)}`);
      // The start ended what was no collection any more, and nothing else.
      assert.deepEqual((await store.getCollection(name)) === null, collection === null);
      assert.ok(collection !== null || !listed.includes(name));
      if (collection !== null) assert.equal(await store.deleteCollection(name), true);
      assert.equal(await store.deleteCollection(name), false);
      return wasInterrupted;
    }

    /** Indexes of generations that no collection has. */
    async function unknownIndexes(): Promise<readonly string[]> {
      const { node, prefix } = place.options;
      const response = await fetch(`${node}/_cat/indices/${prefix}-generation-*?format=json`);
      const indexes = z.array(z.object({ index: z.string() })).parse(await response.json());
      const collections = await store.listCollections();
      const known = new Set(
        collections.map(({ generation }) => `${prefix}-generation-${String(generation.id)}-1`),
      );
      return indexes.map(({ index }) => index).filter((index) => !known.has(index));
    }
  });
}

describe('an entry of the catalog', () => {
  const now = Date.UTC(2025, 0, 1);
  const madeAt = (time: number, machine: string): string =>
    JSON.stringify({ createdAt: new Date(time).toISOString(), maker: { ...newHolder(), machine } });

  it('is ended by others when its maker is gone, or cannot be seen and gave no sign for long', () => {
    const here = newHolder().machine;
    const minute = 60_000;
    for (const [record, expected] of [
      [madeAt(now, here), true],
      [madeAt(now - minute, 'elsewhere'), false],
      [madeAt(now + 60 * minute, 'elsewhere'), false],
      [madeAt(now - 11 * minute, 'elsewhere'), true],
    ] as const) {
      assert.equal(isAbandoned({ kind: 'creating', record }, now), expected);
      assert.equal(isAbandoned({ kind: 'collection', record }, now), false);
      assert.equal(isAbandoned({ kind: 'deleting', record }, now), true);
    }
  });
});
