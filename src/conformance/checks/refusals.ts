import assert from 'node:assert/strict';
import { RetrievalError } from '../../errors.js';
import type { CallOptions, GenerationRef, VectorStore } from '../../stores/port.js';
import { ALL, PIN, specOf, vectorOf, writeOf } from '../fixtures.js';
import type { Check, CheckGroup, Context } from '../check.js';

type Call = (store: VectorStore, ref: GenerationRef, options?: CallOptions) => Promise<unknown>;

const VECTOR = vectorOf('x');

/** Calls on one generation. */
const GENERATION_CALLS: Readonly<Record<string, Call>> = {
  putDocuments: (store, ref, options) => store.putDocuments(ref, PIN, [writeOf('n', ['new'])], options),
  contentHashes: (store, ref, options) => store.contentHashes(ref, ['a'], options),
  documentVectors: (store, ref, options) => store.documentVectors(ref, 'a', options),
  documentChunks: (store, ref, options) => store.documentChunks(ref, 'a', options),
  finishLoad: (store, ref, options) => store.finishLoad(ref, options),
  vectorLeg: (store, ref, options) => store.vectorLeg(ref, { vector: VECTOR, k: 1, filter: ALL }, options),
  keywordLeg: (store, ref, options) => store.keywordLeg(ref, { text: 'engine', k: 1, filter: ALL }, options),
  scoreChunks: (store, ref, options) =>
    store.scoreChunks(ref, { chunkIds: ['0'], vector: VECTOR, text: 'engine' }, options),
  getChunks: (store, ref, options) => store.getChunks(ref, ['0'], options),
};

/** Calls on a collection by its name. */
const COLLECTION_CALLS: Readonly<Record<string, Call>> = {
  countCollection: (store, { collection }, options) => store.countCollection(collection, options),
  addFields: (store, { collection }, options) => store.addFields(collection, { extra: 'number' }, options),
  getDocument: (store, { collection }, options) => store.getDocument(collection, 'a', options),
  listDocuments: (store, { collection }, options) =>
    store.listDocuments(collection, { filter: ALL, limit: 1 }, options),
  countDocuments: (store, { collection }, options) => store.countDocuments(collection, ALL, options),
  deleteDocuments: (store, { collection }, options) => store.deleteDocuments(collection, ['a'], options),
  deleteByFilter: (store, { collection }, options) =>
    store.deleteByFilter(collection, { kind: 'not', filter: { kind: 'none' } }, options),
};

const OTHER_CALLS: Readonly<Record<string, Call>> = {
  ping: (store, _, options) => store.ping(options),
  createCollection: (store, { collection }, options) =>
    store.createCollection(specOf({ name: `${collection}-more` }), options),
  getCollection: (store, { collection }, options) => store.getCollection(collection, options),
  listCollections: (store, _, options) => store.listCollections(options),
  deleteCollection: (store, { collection }, options) => store.deleteCollection(collection, options),
};

/** Every call that names something which is not there says so. */
export const missingChecks: CheckGroup = {
  name: 'what is not there',
  checks: [
    ...Object.entries({ ...GENERATION_CALLS, ...COLLECTION_CALLS }).map(([name, call]): Check => ({
      name: `${name} names a collection that is missing`,
      async run(context: Context): Promise<void> {
        const missing = { collection: context.newName(), generation: 1 };
        await assert.rejects(call(context.store(), missing), { code: 'collection_not_found' });
      },
    })),
    ...Object.entries(GENERATION_CALLS).map(([name, call]): Check => ({
      name: `${name} refuses a generation that is missing, or another collection's`,
      async run(context: Context): Promise<void> {
        const [ref, other] = [await context.create(), await context.create()];
        for (const generation of [other.generation, 2_000_000_000]) {
          await assert.rejects(call(context.store(), { ...ref, generation }), {
            code: 'collection_not_found',
          });
        }
        assert.deepEqual(await context.store().countCollection(ref.collection), { documents: 0, chunks: 0 });
      },
    })),
  ],
};

/** Every call ends when its caller has gone, and no other call with it. */
export const cancellingChecks: CheckGroup = {
  name: 'cancelling',
  checks: [
    ...Object.entries({ ...GENERATION_CALLS, ...COLLECTION_CALLS, ...OTHER_CALLS }).map(
      ([name, call]): Check => ({
        name: `${name} does nothing once its caller has gone`,
        async run(context: Context): Promise<void> {
          const store = context.store();
          const ref = await context.create();
          await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
          const before = await store.getCollection(ref.collection);
          await assert.rejects(call(store, ref, { signal: AbortSignal.abort(new Error('gone')) }), {
            code: 'cancelled',
          });
          assert.deepEqual(await store.getCollection(ref.collection), before);
          assert.equal(await store.getCollection(`${ref.collection}-more`), null);
          assert.deepEqual(await store.countCollection(ref.collection), { documents: 1, chunks: 1 });
        },
      }),
    ),

    {
      name: 'ends a call on its way with cancelled or its answer, and a write is whole',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        for (let round = 0; round < 10; round += 1) {
          const controller = new AbortController();
          const texts = Array.from({ length: 40 }, (_, at) => `engine ${String(at)}`);
          const writing = store.putDocuments(ref, PIN, [writeOf(`d${String(round)}`, texts)], {
            signal: controller.signal,
          });
          for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
          controller.abort();
          const [result] = await Promise.allSettled([writing]);
          if (result.status === 'rejected') {
            assert.ok(result.reason instanceof RetrievalError);
            assert.equal(result.reason.code, 'cancelled');
          }
        }
        const { documents, chunks } = await store.countCollection(ref.collection);
        assert.equal(chunks, documents * 40);
        await store.putDocuments(ref, PIN, [writeOf('after', ['engine'])]);
        assert.equal((await store.getDocument(ref.collection, 'after'))?.chunkCount, 1);
      },
    },

    {
      name: 'ends no call but its own',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
        for (let round = 0; round < 60; round += 1) {
          const controller = new AbortController();
          const call = store.contentHashes(ref, ['a'], { signal: controller.signal });
          for (let turn = 0; turn < round % 6; turn += 1) await new Promise(setImmediate);
          controller.abort();
          await Promise.allSettled([call]);
          // What was sent to end the call may come late, and meet these.
          for (let next = 0; next < 5; next += 1) {
            assert.equal((await store.contentHashes(ref, ['a'])).size, 1);
          }
        }
      },
    },
  ],
};
