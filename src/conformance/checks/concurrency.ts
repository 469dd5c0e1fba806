import assert from 'node:assert/strict';
import type { DocumentWrite, GenerationRef, LegHit, VectorStore } from '../../stores/port.js';
import { ALL, PIN, equalTo, vectorOf, writeOf } from '../fixtures.js';
import type { CheckGroup, Context } from '../check.js';

const ROUNDS = 30;

/** What readers see while others write. */
export const concurrencyChecks: CheckGroup = {
  name: 'readers beside writers',
  checks: [
    {
      name: 'see all of a document or nothing of it, old or new',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        // Each version has its own number of chunks and its own value of the field.
        const versions = [1, 2, 3, 5].map((count) =>
          writeOf(
            'a',
            Array.from({ length: count }, (_, at) => `engine part ${String(at)}`),
            { version: String(count), values: { price: count } },
          ),
        );
        const [first] = versions;
        assert.ok(first !== undefined);
        await store.putDocuments(ref, PIN, [first, writeOf('b', ['engine'])]);
        await during(write(store, ref, versions), [
          async () =>
            assertWhole(
              versions,
              (await store.documentChunks(ref, 'a')).map(({ id }) => id),
            ),
          async () => {
            const stored = await store.getDocument(ref.collection, 'a');
            const version = versions.find(({ contentHash }) => contentHash === stored?.contentHash);
            assert.equal(stored?.chunkCount, version?.chunks.length);
            assert.deepEqual(stored?.document, version?.document);
          },
          async () =>
            assertWhole(versions, ofA(await store.keywordLeg(ref, { text: 'engine', k: 50, filter: ALL }))),
          async () => {
            const query = { vector: vectorOf('engine'), k: 50, filter: ALL };
            assertWhole(versions, ofA((await store.vectorLeg(ref, query)).hits));
          },
          async () => {
            const hits = await store.keywordLeg(ref, { text: 'engine', k: 50, filter: equalTo('price', 3) });
            if (hits.length > 0) assertWhole(versions.slice(2, 3), ofA(hits));
          },
          async () => {
            const { documents, chunks } = await store.countCollection(ref.collection);
            assert.equal(documents, 2);
            assert.ok(versions.some((version) => version.chunks.length + 1 === chunks));
          },
        ]);
      },
    },

    {
      name: 'see a batch whole',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        const batchOf = (version: string): readonly DocumentWrite[] =>
          ['a', 'b', 'c'].map((id) => writeOf(id, ['engine'], { version, values: { dept: version } }));
        await store.putDocuments(ref, PIN, batchOf('0'));
        const writer = async (): Promise<void> => {
          for (let round = 1; round <= ROUNDS; round += 1) {
            await store.putDocuments(ref, PIN, batchOf(String(round % 3)));
          }
        };
        await during(writer(), [
          async () => {
            const hashes = await store.contentHashes(ref, ['a', 'b', 'c']);
            const versions = [...hashes].map(([id, hash]) =>
              ['0', '1', '2'].find((version) =>
                batchOf(version).some(
                  ({ document, contentHash }) => document.id === id && contentHash === hash,
                ),
              ),
            );
            assert.equal(versions.length, 3);
            assert.equal(new Set(versions).size, 1);
          },
          async () => {
            const count = await store.countDocuments(ref.collection, equalTo('dept', '1'));
            assert.ok(count === 0 || count === 3);
          },
        ]);
      },
    },
  ],
};

async function write(
  store: VectorStore,
  ref: GenerationRef,
  versions: readonly DocumentWrite[],
): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const version = versions[round % versions.length];
    if (version !== undefined) await store.putDocuments(ref, PIN, [version]);
  }
}

/** Repeats every reader until the writer is done, and at least once. */
async function during(writer: Promise<void>, readers: readonly (() => Promise<void>)[]): Promise<void> {
  let isDone = false;
  const finished = writer.finally(() => {
    isDone = true;
  });
  const reading = readers.map(async (read) => {
    do {
      await read();
      // A store that answers without waiting must not keep the writer from its turn.
      await new Promise(setImmediate);
    } while (!isDone);
  });
  await Promise.all([finished, ...reading]);
}

function ofA(hits: readonly LegHit[]): readonly string[] {
  return hits.filter(({ documentId }) => documentId === 'a').map(({ chunkId }) => chunkId);
}

function assertWhole(versions: readonly DocumentWrite[], ids: readonly string[]): void {
  const seen = ids.toSorted();
  const whole = versions.map(({ chunks }) => chunks.map(({ id }) => id).toSorted());
  assert.ok(
    whole.some((version) => version.join() === seen.join()),
    `${String(seen.length)} chunks that are no version's`,
  );
}
