/** What is special to generations in indexes of their own: no request changes two of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { RetrievalError } from '../../../src/errors.js';
import { packageRoot } from '../../../src/package-root.js';
import { createMemoryStore } from '../../../src/stores/memory/index.js';
import {
  generationsOf as generationsIn,
  readRecord,
} from '../../../src/stores/opensearch/collection-record.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import type { DocumentWrite, VectorStore } from '../../../src/stores/port.js';
import { PIN, createIn, randomWrite, specOf, writeOf } from '../../conformance/store/fixtures.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import { createRandom } from '../../support/random.js';
import { storeNames } from '../../support/stores.js';
import { openFaultyPlace } from './faulty-place.js';
import type { FaultyPlace } from './faulty-place.js';
import type { Loss } from './faulty-server.js';
import {
  OLD,
  OTHER_PIN,
  SPEC,
  chunksOf,
  fill,
  generationsOf,
  makePair,
  shown,
} from './generation-fixtures.js';
import type { Pair } from './generation-fixtures.js';

const NEW = [
  writeOf('a', ['engine', 'engine rotor', 'rotor rotor'], { version: '2' }),
  writeOf('b', ['rotor'], { version: '2' }),
  writeOf('c', ['engine piston', 'valve'], { version: '2' }),
];
const KNOWN = [...OLD, ...NEW];
/** More than any of them has. */
const MOST_REQUESTS = 60;

type Work = (store: VectorStore, pair: Pair) => Promise<unknown>;

/** The lone steps of a turn are cut off at in `interrupted.test.ts`. */
const WORKS: Readonly<Record<string, { readonly stride: number; readonly run: Work }>> = {
  'filling one again': {
    stride: 3,
    run: (store, { to }) => generationsOf(store).putChunks(to, OTHER_PIN, OLD.slice(0, 2).map(chunksOf)),
  },
  // Of the three one gets new chunks beside, the second is removed there, the third is new.
  'a write': {
    stride: 1,
    run: (store, { from, to }) => {
      const given = [NEW[0], NEW[2]].flatMap((write) =>
        write === undefined ? [] : [[write.document.id, chunksOf(write).chunks] as const],
      );
      const beside = [{ generation: to.generation, pin: OTHER_PIN, chunks: new Map(given) }];
      return store.putDocuments(from, PIN, NEW, { beside });
    },
  },
  'a delete': {
    stride: 3,
    run: (store, { from }) => store.deleteDocuments(from.collection, ['a', 'empty']),
  },
  activating: {
    stride: 1,
    run: (store, { from, to }) => generationsOf(store).activate(to, from.generation),
  },
  dropping: { stride: 1, run: (store, { to }) => generationsOf(store).drop(to) },
};

const hitsSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _source: z.object({ record: z.string() }) })) }),
});

if (storeNames().includes('opensearch')) {
  describe('generations on opensearch', () => {
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

    for (const [name, { stride, run }] of Object.entries(WORKS)) {
      it(`${name} that loses its server leaves each generation whole, and is repaired by doing it again`, async () => {
        const expected = await expectedAfter(run);
        // A request that came through and whose answer was lost leaves what the loss of the next one does.
        let request = 1;
        while (await survives(request, 'request', name, run, expected)) {
          request += stride;
          assert.ok(request < MOST_REQUESTS);
        }
        assert.ok(request > 5, `only ${String(request)} requests`);
        const last = await requestsOf(async () => run(faulty, await makePair(store, `last-${name}`)));
        assert.equal(await survives(last, 'answer', name, run, expected), true);
      });
    }

    /** False when the work was done before it came to that many requests. */
    async function survives(
      request: number,
      loss: Loss,
      name: string,
      run: Work,
      expected: unknown,
    ): Promise<boolean> {
      const collection = `at-${String(request)}-${loss}-${name.replaceAll(' ', '-')}`;
      const pair = await makePair(store, collection);

      server.breakAt(request, loss);
      const [result] = await Promise.allSettled([run(faulty, pair)]);
      const wasInterrupted = server.repair() >= request;
      assert.equal(
        result.status === 'rejected',
        wasInterrupted,
        'an interruption is never taken for success',
      );
      await assertWhole(collection);

      // Another writer comes, then what was lost on its way after all.
      await store.deleteDocuments(collection, ['another']);
      const active = await activeOf(collection);
      await assertWhole(collection);
      await server.deliverLate();
      await store.deleteDocuments(collection, ['another']);
      assert.equal(await activeOf(collection), active, 'a request that comes too late changes nothing');
      await assertWhole(collection);

      const [again] = await Promise.allSettled([run(store, pair)]);
      // It had come through: the generation is the active one already.
      if (again.status === 'rejected') {
        assert.equal(active, pair.to.generation);
        assert.ok(again.reason instanceof RetrievalError && again.reason.code === 'generation_conflict');
      }
      assert.deepEqual(await shown(store, collection), expected);
      return wasInterrupted;
    }

    async function activeOf(collection: string): Promise<number> {
      return (await store.getCollection(collection))?.generation.id ?? 0;
    }

    /** Each document has all chunks of one version of it in each generation, or none; in the active one all of its own. */
    async function assertWhole(collection: string): Promise<void> {
      const active = await activeOf(collection);
      for (const { id: generation } of await generationsOf(store).list(collection)) {
        for (const documentId of ['a', 'b', 'c']) {
          const chunks = await store.documentChunks({ collection, generation }, documentId);
          const versions = KNOWN.filter(({ document }) => document.id === documentId);
          const ids = chunks.map(({ id }) => id).join();
          const fits = versions.filter((version) => version.chunks.map(({ id }) => id).join() === ids);
          assert.ok(chunks.length === 0 || fits.length === 1, `${documentId} is whole`);
          if (generation !== active) continue;
          const document = await store.getDocument(collection, documentId);
          assert.equal(document?.chunkCount ?? 0, chunks.length);
          assert.equal(document?.contentHash, fits[0]?.contentHash);
        }
      }
    }

    it('a making that loses its server leaves no index behind the next start, and nothing in the way', async () => {
      for (const loss of ['request', 'answer'] as const) {
        let wasInterrupted = true;
        for (let request = 1; wasInterrupted; request += 1) {
          assert.ok(request < 15);
          const collection = `make-${loss}-${String(request)}`;
          await createIn(store, specOf({ name: collection }));
          server.breakAt(request, loss);
          const [result] = await Promise.allSettled([generationsOf(faulty).create(collection, SPEC)]);
          wasInterrupted = server.repair() >= request;
          assert.equal(result.status === 'rejected', wasInterrupted);
          const listed = await generationsOf(store).list(collection);
          await (await openOpenSearchStore(place.options)).close();
          assert.deepEqual(await unknownIndexes(), [], `request ${String(request)}`);
          assert.deepEqual(await generationsOf(store).list(collection), listed, 'nothing was seen of it');
          const building = listed.find(({ state }) => state === 'building');
          const again = generationsOf(store).create(collection, SPEC);
          // Its answer was lost, or it was the last one, which was not.
          if (building !== undefined) await assert.rejects(again, { code: 'generation_conflict' });
          else assert.equal((await again).state, 'building');
          await store.deleteCollection(collection);
          assert.deepEqual(await unknownIndexes(), []);
        }
      }
    });

    it('a making that was cut off is in nobody’s way, without a start', async () => {
      const { collection } = await createIn(store, specOf({ name: 'in-the-way' }));
      // Requests: a look for what was cut off, a number, two that name it, its index.
      server.breakAt(5, 'answer');
      await assert.rejects(generationsOf(faulty).create(collection, SPEC), RetrievalError);
      server.repair();
      assert.equal((await unknownIndexes()).length, 1, 'the test has to leave an index');
      await generationsOf(store).create(collection, SPEC);
      assert.equal((await generationsOf(store).list(collection)).length, 2);
      assert.deepEqual(await unknownIndexes(), []);
    });

    it('a document without chunks is there after the switch, and one that is gone is not', async () => {
      const { from, to } = await makePair(store, 'bare');
      // As a write leaves it that ended before it came to the active generation.
      const ghost = writeOf('ghost', ['engine ghost']);
      const beside = {
        generation: to.generation,
        pin: OTHER_PIN,
        chunks: new Map([['ghost', chunksOf(ghost).chunks]]),
      };
      const write = (): Promise<void> => faulty.putDocuments(from, PIN, [ghost], { beside: [beside] });
      await write();
      await faulty.deleteDocuments('bare', ['ghost']);
      const requests = await requestsOf(write);
      await faulty.deleteDocuments('bare', ['ghost']);
      // The last four: its parts, its head, showing it, giving up the turn.
      server.breakAt(requests - 3, 'request');
      await assert.rejects(write(), RetrievalError);
      server.repair();
      assert.equal(await store.getDocument('bare', 'ghost'), null);
      assert.equal((await store.documentChunks(to, 'ghost')).length, 1, 'the test has to leave it there');
      await generationsOf(store).activate(to, from.generation);
      assert.equal((await store.documentChunks(to, 'ghost')).length, 0);
      assert.equal(await store.getDocument('bare', 'ghost'), null);
      const empty = await store.getDocument('bare', 'empty');
      assert.equal(empty?.chunkCount, 0);
      assert.equal(empty.contentHash, OLD[2]?.contentHash);
      assert.deepEqual(await store.countCollection('bare'), { documents: 3, chunks: 3 });
      assert.deepEqual(
        await store.contentHashes(from, ['a', 'ghost', 'empty']),
        await store.contentHashes(to, ['a', 'empty']),
      );
    });

    it('documents are read page by page, whatever the pages cut', async () => {
      const ref = await createIn(store, specOf({ name: 'pages' }));
      const ids = Array.from({ length: 120 }, (_, at) => `d${String(at).padStart(3, '0')} 🛠`);
      await store.putDocuments(
        ref,
        PIN,
        ids.map((id) => writeOf(id, ['engine', 'valve', 'rotor'])),
      );
      const { id } = await generationsOf(store).create('pages', SPEC);
      const to = { collection: 'pages', generation: id };
      const seen: string[] = [];
      for (;;) {
        const last = seen.at(-1);
        const page = await generationsOf(store).missing(to, {
          limit: 7,
          ...(last === undefined ? {} : { after: last }),
        });
        seen.push(...page.map((missing) => missing.id));
        if (page.length < 7) break;
      }
      assert.deepEqual(seen, ids);
    });

    it('writers, a builder and switches of two stores at once lose nothing', async () => {
      const second = await openOpenSearchStore(place.options);
      try {
        const { from, to } = await makePair(store, 'busy');
        const random = createRandom(5);
        const rounds = Array.from({ length: 16 }, (_, round) =>
          ['a', 'b', `own-${String(round)}`].map((id) => randomWrite(random, id, String(round))),
        );
        const writing = (async () => {
          for (const writes of rounds) await writeSomehow(second, writes);
        })();
        const known = [...OLD, ...rounds.flat()];
        let switches = 0;
        const building = (async () => {
          for (let turn = 0; turn < 12; turn += 1) {
            const active = await activeOf('busy');
            const [next, pin] = active === from.generation ? [to, OTHER_PIN] : [from, PIN];
            try {
              await complete(store, next, pin, known);
              await generationsOf(store).activate(next, active);
              switches += 1;
            } catch (error) {
              assert.ok(
                error instanceof RetrievalError && error.code === 'generation_conflict',
                String(error),
              );
            }
          }
        })();
        await Promise.all([writing, building]);
        assert.ok(switches > 0, 'none of the switches came between the writes');
        const active = await activeOf('busy');
        const [next, pin] = active === from.generation ? [to, OTHER_PIN] : [from, PIN];
        await complete(store, next, pin, known);
        if (active !== to.generation) await generationsOf(store).activate(to, active);

        const memory = createMemoryStore();
        const expected = await makePair(memory, 'busy');
        for (const writes of rounds) await memory.putDocuments(expected.from, PIN, writes);
        await fill(memory, expected.to, known);
        await generationsOf(memory).activate(expected.to, expected.from.generation);
        assert.deepEqual(await shown(second, 'busy'), await shown(memory, 'busy'));
      } finally {
        await second.close();
      }
    });

    /** As an ingest does that is told that another generation is active. */
    async function writeSomehow(to: VectorStore, writes: readonly DocumentWrite[]): Promise<void> {
      for (;;) {
        const collection = await to.getCollection('busy');
        assert.ok(collection !== null);
        const { id, pin } = collection.generation;
        const isOther = pin.model === 'other';
        const own = isOther ? writes.map((write) => ({ ...write, chunks: chunksOf(write).chunks })) : writes;
        try {
          await to.putDocuments({ collection: 'busy', generation: id }, pin, own);
          return;
        } catch (error) {
          if (!(error instanceof RetrievalError) || error.code !== 'generation_conflict') throw error;
        }
      }
    }

    async function complete(
      to: VectorStore,
      ref: Pair['to'],
      pin: typeof PIN,
      known: readonly DocumentWrite[],
    ): Promise<void> {
      const missing = await generationsOf(to).missing(ref, { limit: 1000 });
      const writes = missing.flatMap(({ id, contentHash }) =>
        known.filter((write) => write.document.id === id && write.contentHash === contentHash),
      );
      const chunks = writes.map((write) =>
        pin === PIN
          ? { documentId: write.document.id, contentHash: write.contentHash, chunks: write.chunks }
          : chunksOf(write),
      );
      await generationsOf(to).putChunks(ref, pin, chunks);
    }

    it('a catalog and a collection from before there were generations get them', async () => {
      const old = makeTestPrefix();
      const catalog = `${old.options.prefix}-catalog`;
      const file = readFileSync(`${packageRoot}/migrations/opensearch/0001_catalog.json`, 'utf8');
      await ask('PUT', `/${catalog}`, JSON.parse(file));
      const opened = await openOpenSearchStore(old.options);
      try {
        await createIn(opened, specOf({ name: 'old' }));
        const path = `/${catalog}/_doc/collection%20old`;
        const { _source } = z
          .object({ _source: z.object({ kind: z.string(), name: z.string(), record: z.string() }) })
          .parse(await ask('GET', path));
        const record = z.looseObject({ mapping: z.number() }).parse(JSON.parse(_source.record));
        assert.equal(record.mapping, 2, 'older code has to refuse it');
        const { others: _others, id: _id, ...before } = record;
        const entry = { ..._source, record: JSON.stringify({ ...before, mapping: 1 }) };
        await ask('PUT', `${path}?refresh=true`, entry);
        const records = opened.records;
        assert.ok(records !== undefined);
        const first = await records.append('old', 'note', { is: 'kept' });
        const from = {
          collection: 'old',
          generation: (await opened.getCollection('old'))?.generation.id ?? 0,
        };
        await opened.putDocuments(from, PIN, OLD);
        const { id } = await generationsOf(opened).create('old', SPEC);
        const to = { collection: 'old', generation: id };
        await fill(opened, to, OLD);
        await generationsOf(opened).activate(to, from.generation);
        assert.equal(await generationsOf(opened).drop(from), true);
        assert.deepEqual(await records.list('old', { kinds: ['note'], limit: 5 }), [first]);
      } finally {
        await opened.close();
        await old.remove();
      }
    });

    async function expectedAfter(work: Work): Promise<unknown> {
      const memory = createMemoryStore();
      const pair = await makePair(memory, 'expected');
      await work(memory, pair);
      return shown(memory, 'expected');
    }

    async function requestsOf(run: () => Promise<unknown>): Promise<number> {
      server.breakAt(Infinity, 'request');
      await run();
      return server.repair();
    }

    /** Indexes of generations that no collection shows. */
    async function unknownIndexes(): Promise<readonly string[]> {
      const { prefix } = place.options;
      const found = await ask('POST', `/${prefix}-catalog/_search`, {
        query: { term: { kind: 'collection' } },
        size: 1000,
      });
      const known = hitsSchema
        .parse(found)
        .hits.hits.flatMap(({ _source }) =>
          generationsIn(readRecord(_source.record)).map(({ generation }) => generation.id),
        );
      const names = new Set(known.map((id) => `${prefix}-generation-${String(id)}-1`));
      const answer = await ask('GET', `/_cat/indices/${prefix}-generation-*?format=json`);
      const indexes = z.array(z.object({ index: z.string() })).parse(answer);
      return indexes.map(({ index }) => index).filter((index) => !names.has(index));
    }

    async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
      const response = await fetch(`${place.options.node}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      assert.ok(response.ok, `${method} ${path}: ${String(response.status)}`);
      return response.json();
    }
  });
}
