/** What is small in every other check, made big: many collections, a long document. */
import assert from 'node:assert/strict';
import { ALL, PIN, createIn, randomWrites, specOf, textFrom, writeOf } from '../fixtures.js';
import type { CheckGroup, Context } from '../check.js';
import { inParallel } from '../in-parallel.js';
import { createRandom } from '../random.js';

const CONCURRENCY = 8;
const CHUNK_BYTES = 2000;
const MEGABYTE = 1_048_576;

/** Says of how many collections, and of a document of how many bytes. */
export function sizeChecks(sizes: {
  readonly collections: number;
  readonly documentBytes: number;
}): CheckGroup {
  const { collections, documentBytes } = sizes;
  return {
    name: 'sizes',
    checks: [
      {
        name: `${String(collections)} collections are created, listed, found and deleted`,
        async run(context: Context): Promise<void> {
          const store = context.store();
          const base = context.newName();
          const names = Array.from({ length: collections }, (_, at) => `${base}-${String(at)}`);
          const listed = async (): Promise<readonly string[]> =>
            (await store.listCollections()).map(({ name }) => name).filter((name) => names.includes(name));
          await inParallel(CONCURRENCY, names, async (name) => {
            await createIn(store, specOf({ name }));
          });
          assert.deepEqual(await listed(), names.toSorted());
          const generations = new Set<number>();
          await inParallel(CONCURRENCY, names, async (name) => {
            const found = await store.getCollection(name);
            assert.equal(found?.name, name);
            generations.add(found.generation.id);
          });
          assert.equal(generations.size, collections, 'every collection has a generation of its own');

          // The first and the last are usable, and apart.
          const random = createRandom(90);
          for (const name of [names[0], names.at(-1)]) {
            const made = name === undefined ? null : await store.getCollection(name);
            if (made === null) continue;
            const ref = { collection: made.name, generation: made.generation.id };
            await store.putDocuments(ref, PIN, randomWrites(random, 3));
            assert.equal((await store.countCollection(made.name)).documents, 3);
          }
          await inParallel(CONCURRENCY, names, async (name) => {
            assert.equal(await store.deleteCollection(name), true);
          });
          assert.deepEqual(await listed(), []);
        },
      },
      {
        name: `a document of ${(documentBytes / MEGABYTE).toFixed(1)} MB is written, found by its end, replaced and deleted`,
        async run(context: Context): Promise<void> {
          const store = context.store();
          const ref = await context.create();
          const random = createRandom(91);
          const texts: string[] = [];
          for (let bytes = 0; bytes < documentBytes; bytes += CHUNK_BYTES) {
            texts.push(textFrom(random, CHUNK_BYTES / 4).slice(0, CHUNK_BYTES));
          }
          const other = writeOf('other', ['gasket']);
          await store.putDocuments(ref, PIN, [other]);
          for (const term of ['zyzzyva', 'quokka']) {
            const write = writeOf('long', [...texts, `engine ${term}`], { version: term });
            await store.putDocuments(ref, PIN, [write]);
            await store.finishLoad(ref);
            const stored = await store.getDocument(ref.collection, 'long');
            // Compared so that a failure does not print megabytes.
            assert.ok(stored?.document.text === write.document.text, 'the text is as it was written');
            assert.deepEqual(
              [stored.contentHash, stored.chunkCount],
              [write.contentHash, write.chunks.length],
            );
            assert.equal((await store.countCollection(ref.collection)).chunks, write.chunks.length + 1);
            const last = write.chunks.at(-1) ?? assert.fail();
            const [keyword, ...more] = await store.keywordLeg(ref, { text: term, k: 10, filter: ALL });
            assert.deepEqual([keyword?.chunkId, more.length], [last.id, 0]);
            const { hits } = await store.vectorLeg(ref, { vector: last.vector, k: 1, filter: ALL });
            assert.equal(hits[0]?.chunkId, last.id);
            const [chunk] = await store.documentChunks(ref, 'long', { from: last.ordinal });
            assert.equal(chunk?.text, last.text);
          }
          assert.deepEqual(await store.keywordLeg(ref, { text: 'zyzzyva', k: 10, filter: ALL }), []);
          assert.equal(await store.deleteDocuments(ref.collection, ['long']), 1);
          assert.equal(await store.getDocument(ref.collection, 'long'), null);
          assert.deepEqual(await store.countCollection(ref.collection), { documents: 1, chunks: 1 });
          assert.deepEqual(await store.keywordLeg(ref, { text: 'quokka', k: 10, filter: ALL }), []);
        },
      },
    ],
  };
}
