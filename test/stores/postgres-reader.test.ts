/** Queries go to a streaming replica, and never show less than what was acknowledged. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Filter } from '../../src/model.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { createProgress, includes } from '../../src/stores/pgvector/progress.js';
import type { GenerationRef, VectorStore } from '../../src/stores/port.js';
import { PIN, createIn, specOf, writeOf } from '../conformance/store/fixtures.js';
import { createRandom } from '../support/random.js';
import { databaseNames } from '../support/stores.js';
import { caughtUp, startServer, startStandby } from './pgvector/server.js';
import type { TestServer } from './pgvector/server.js';

const ALL: Filter = { kind: 'all' };

if (databaseNames().includes('postgres')) {
  describe('a reader', () => {
    const random = createRandom(7);
    const vector = (): Float32Array => random.vector(PIN.dimensions);
    let primary: TestServer;
    let standby: TestServer;
    let store: VectorStore;

    const open = (readerUrl: string | null): Promise<VectorStore> =>
      openPgVectorStore({
        connection: { kind: 'postgresql', url: primary.url, poolSize: 4, readerUrl },
        statementTimeoutMs: 10_000,
      });
    /** What the reader's connections were asked last. */
    const askedOfStandby = async (): Promise<string> => {
      const rows = await standby.sql("select query from pg_stat_activity where application_name = 'reader'");
      return rows.map((row) => String(row['query'])).join('\n');
    };
    const put = (on: VectorStore, ref: GenerationRef, id: string, word: string): Promise<void> =>
      on.putDocuments(ref, PIN, [writeOf(id, [word], { vectors: [vector()] })]);

    /** The documents that each way of reading shows. */
    const seen = async (ref: GenerationRef, word: string) => {
      const legs = await store.vectorLeg(ref, { vector: vector(), k: 50, filter: ALL });
      const words = await store.keywordLeg(ref, { text: word, k: 50, filter: ALL });
      const chunkIds = legs.hits.map((hit) => hit.chunkId);
      const scores = await store.scoreChunks(ref, { chunkIds, text: word });
      const chunks = await store.getChunks(ref, chunkIds);
      return {
        vector: legs.hits.map((hit) => hit.documentId).toSorted(),
        keyword: words.map((hit) => hit.documentId).toSorted(),
        scored: [...scores.keys()].length,
        chunks: [...chunks.values()].map((chunk) => chunk.documentId).toSorted(),
      };
    };

    before(async () => {
      primary = await startServer();
      await primary.sql('create extension vector');
      standby = await startStandby(primary);
      store = await open(`${standby.url}?application_name=reader`);
    });
    after(async () => {
      await store.close();
      await standby.remove();
      await primary.remove();
    });

    it('answers once it knows what was written', async () => {
      const ref = await createIn(store, specOf({ name: 'answers' }));
      await put(store, ref, 'a', 'engine');
      await caughtUp(primary, standby);
      assert.deepEqual(await seen(ref, 'engine'), {
        vector: ['a'],
        keyword: ['a'],
        scored: 1,
        chunks: ['a'],
      });
      assert.match(await askedOfStandby(), new RegExp(`g${String(ref.generation)}_`, 'u'));
    });

    describe('that is behind', () => {
      before(() => standby.sql('select pg_wal_replay_pause()'));
      after(async () => {
        await standby.sql('select pg_wal_replay_resume()');
        await caughtUp(primary, standby);
      });

      it('a document that was acknowledged is found, and one that was deleted is not', async () => {
        const ref = await createIn(store, specOf({ name: 'paused' }));
        // Its tables are not on the reader at all.
        await put(store, ref, 'a', 'engine');
        assert.deepEqual((await seen(ref, 'engine')).keyword, ['a']);
        await standby.sql('select pg_wal_replay_resume()');
        await caughtUp(primary, standby);
        await standby.sql('select pg_wal_replay_pause()');
        // Now they are, with what was written so far.
        assert.deepEqual((await seen(ref, 'engine')).keyword, ['a']);
        await put(store, ref, 'b', 'engine');
        const both = ['a', 'b'];
        assert.deepEqual(await seen(ref, 'engine'), { vector: both, keyword: both, scored: 2, chunks: both });
        await store.deleteDocuments(ref.collection, ['a']);
        assert.deepEqual(await seen(ref, 'engine'), {
          vector: ['b'],
          keyword: ['b'],
          scored: 1,
          chunks: ['b'],
        });
        assert.deepEqual(
          (await store.documentChunks(ref, 'b')).map((chunk) => chunk.documentId),
          ['b'],
        );
      });

      it('what another process wrote is found by a query that begins later', async () => {
        const ref = await createIn(store, specOf({ name: 'elsewhere' }));
        const other = await open(null);
        try {
          await put(other, ref, 'a', 'engine');
        } finally {
          await other.close();
        }
        // As every query begins: the collection is read from the writer.
        await store.getCollection(ref.collection);
        assert.deepEqual((await seen(ref, 'engine')).vector, ['a']);
      });

      it('a field that came later can be filtered on', async () => {
        const ref = await createIn(store, specOf({ name: 'fields' }));
        await put(store, ref, 'a', 'engine');
        await store.addFields(ref.collection, { colour: 'keyword' });
        const filter: Filter = {
          kind: 'exists',
          field: { name: 'colour', type: 'keyword' },
          exists: false,
        };
        const { hits } = await store.vectorLeg(ref, { vector: vector(), k: 5, filter });
        assert.deepEqual(
          hits.map((hit) => hit.documentId),
          ['a'],
        );
      });
    });

    it('a generation of that number in another database is not taken for it', async () => {
      await primary.sql('create database other');
      const url = primary.url.replace(/postgres$/u, 'other');
      const elsewhere = await openPgVectorStore({
        connection: { kind: 'postgresql', url, poolSize: 2 },
        statementTimeoutMs: 10_000,
      });
      const mixed = await open(url);
      try {
        const far = await createIn(elsewhere, specOf({ name: 'far' }));
        for (const id of ['x', 'y', 'z']) await put(elsewhere, far, id, 'engine');
        for (const { name, generation } of await mixed.listCollections()) {
          if (generation.id !== far.generation) continue;
          const ref = { collection: name, generation: generation.id };
          const { hits } = await mixed.vectorLeg(ref, { vector: vector(), k: 9, filter: ALL });
          assert.deepEqual(
            hits.map((hit) => hit.documentId),
            ['a'],
          );
          return;
        }
        assert.fail('there is no generation of that number');
      } finally {
        await mixed.close();
        await elsewhere.close();
      }
    });

    it('that goes down, or is down from the start, leaves the answers to the writer', async () => {
      const ref = await createIn(store, specOf({ name: 'down' }));
      await put(store, ref, 'a', 'engine');
      await caughtUp(primary, standby);
      assert.deepEqual((await seen(ref, 'engine')).vector, ['a']);
      await standby.stop('immediate');
      assert.deepEqual((await seen(ref, 'engine')).vector, ['a']);
      const late = await open(`${standby.url}?application_name=reader`);
      try {
        await late.getCollection(ref.collection);
        const { hits } = await late.vectorLeg(ref, { vector: vector(), k: 5, filter: ALL });
        assert.equal(hits.length, 1);
      } finally {
        await late.close();
      }
      await standby.start();
    });
  });
}

describe('how far a generation has come', () => {
  it('more keys are later, and with as many, fewer chunks', () => {
    assert.ok(includes({ nextKey: 5, chunks: 4 }, { nextKey: 5, chunks: 4 }));
    assert.ok(includes({ nextKey: 6, chunks: 4 }, { nextKey: 5, chunks: 9 }));
    assert.ok(includes({ nextKey: 5, chunks: 3 }, { nextKey: 5, chunks: 4 }));
    assert.ok(!includes({ nextKey: 5, chunks: 5 }, { nextKey: 5, chunks: 4 }));
    assert.ok(!includes({ nextKey: 4, chunks: 1 }, { nextKey: 5, chunks: 4 }));
  });

  it('an answer that was asked for before a write does not take the write back', () => {
    const progress = createProgress();
    const asked = progress.now();
    progress.wrote(1, { nextKey: 9, chunks: 8 });
    progress.heard(1, { nextKey: 5, chunks: 4 }, asked);
    assert.deepEqual(progress.of(1), { nextKey: 9, chunks: 8 });
    // Asked for later, it tells of a failover that lost the write.
    progress.heard(1, { nextKey: 5, chunks: 4 }, progress.now());
    assert.deepEqual(progress.of(1), { nextKey: 5, chunks: 4 });
  });
});
