import assert from 'node:assert/strict';
import type { Pin, VectorIndex } from '../../model.js';
import type {
  BesideWrite,
  GenerationSpec,
  GenerationStore,
  RecordStore,
} from '../../stores/generations-port.js';
import type { DocumentWrite, GenerationRef, VectorStore } from '../../stores/port.js';
import type { CheckGroup, Context } from '../check.js';
import { ALL, FIELDS, PIN, equalTo, randomWrites, specOf, writeOf } from '../fixtures.js';
import { createRandom } from '../random.js';

/** Another model, of other dimensions. */
const OTHER: Pin = { ...PIN, model: 'other', dimensions: 8 };
const SPEC: GenerationSpec = {
  embedder: 'other',
  pin: OTHER,
  chunker: { kind: 'structure', targetTokens: 200, overlapTokens: 0 },
  metric: 'cosine',
  index: { kind: 'none' },
};

/** Generations beside the active one: built, compared, switched, dropped. */
export const generationChecks: CheckGroup = {
  name: 'generations',
  requires: { part: 'generations' },
  checks: [
    {
      name: 'a new generation is empty, is listed, and changes nothing for readers',
      async run(context: Context): Promise<void> {
        const { store, generations, ref } = await open(context, 3);
        const before = await store.getCollection(ref.collection);
        const made = await generations.create(ref.collection, SPEC);
        assert.deepEqual({ ...made, id: 0 }, { id: 0, state: 'building', ...SPEC });
        assert.notEqual(made.id, ref.generation);
        assert.deepEqual(await store.getCollection(ref.collection), before);
        assert.deepEqual(await generations.known(ref.collection), [before?.generation, made]);
        await assert.rejects(generations.known(context.newName()), { code: 'collection_not_found' });
        const [first, second, ...more] = await generations.list(ref.collection);
        assert.deepEqual(more, []);
        assert.deepEqual(pick(first), {
          id: ref.generation,
          state: 'active',
          chunks: 3,
          documents: 3,
          missing: 0,
        });
        assert.ok(second !== undefined);
        assert.deepEqual(pick(second), {
          id: made.id,
          state: 'building',
          chunks: 0,
          documents: 0,
          missing: 3,
        });
        assert.equal(second.pin.model, 'other');
        assert.equal(new Date(second.createdAt).toISOString(), second.createdAt);
        assert.equal((await legs(store, { ...ref, generation: made.id }, 'engine', OTHER)).length, 0);
        assert.equal((await legs(store, ref, 'engine', PIN)).length, 3);
      },
    },
    {
      name: 'one generation is built at a time, in a collection that exists',
      async run(context: Context): Promise<void> {
        const { generations, ref } = await open(context, 1);
        await generations.create(ref.collection, SPEC);
        await assert.rejects(generations.create(ref.collection, SPEC), { code: 'generation_conflict' });
        await assert.rejects(generations.create(context.newName(), SPEC), { code: 'collection_not_found' });
        await assert.rejects(generations.list(context.newName()), { code: 'collection_not_found' });
      },
    },
    {
      name: 'of several callers at once one makes the generation',
      async run(context: Context): Promise<void> {
        const { generations, ref } = await open(context, 1);
        const made = await Promise.allSettled(
          Array.from({ length: 6 }, () => generations.create(ref.collection, SPEC)),
        );
        assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
        assert.equal((await generations.list(ref.collection)).length, 2);
      },
    },
    {
      name: 'is filled document by document, and says what is missing',
      async run(context: Context): Promise<void> {
        const { generations, ref, writes } = await open(context, 5);
        const to = await build(generations, ref);
        assert.deepEqual(
          (await generations.missing(to, { limit: 2 })).map(({ id }) => id),
          ['d0', 'd1'],
        );
        const page = await generations.missing(to, { limit: 10, after: 'd1' });
        assert.deepEqual(
          page,
          writes.slice(2).map(({ document, contentHash }) => ({ id: document.id, contentHash })),
        );
        assert.deepEqual(await generations.putChunks(to, OTHER, writes.slice(0, 2).map(chunksOf)), [
          'd0',
          'd1',
        ]);
        assert.deepEqual(
          (await generations.missing(to, { limit: 10 })).map(({ id }) => id),
          ['d2', 'd3', 'd4'],
        );
        // The same again changes nothing.
        assert.deepEqual(await generations.putChunks(to, OTHER, writes.slice(0, 2).map(chunksOf)), [
          'd0',
          'd1',
        ]);
        const [, record] = await generations.list(ref.collection);
        assert.deepEqual(pick(record), {
          id: to.generation,
          state: 'building',
          chunks: 2,
          documents: 2,
          missing: 3,
        });
      },
    },
    {
      name: 'chunks of a document that has changed or gone are left out',
      async run(context: Context): Promise<void> {
        const { store, generations, ref, writes } = await open(context, 3);
        const to = await build(generations, ref);
        await store.putDocuments(ref, PIN, [writeOf('d0', ['engine new'], { version: '2' })]);
        await store.deleteDocuments(ref.collection, ['d1']);
        assert.deepEqual(await generations.putChunks(to, OTHER, writes.map(chunksOf)), ['d2']);
        assert.deepEqual(
          (await generations.missing(to, { limit: 9 })).map(({ id }) => id),
          ['d0'],
        );
      },
    },
    {
      name: 'refuses vectors of another model or length, and an unknown generation',
      async run(context: Context): Promise<void> {
        const { generations, ref, writes } = await open(context, 1);
        const to = await build(generations, ref);
        const chunks = writes.map(chunksOf);
        await assert.rejects(generations.putChunks(to, PIN, chunks), { code: 'model_mismatch' });
        const wrong = writes.map((write) => ({ ...chunksOf(write), chunks: write.chunks }));
        await assert.rejects(generations.putChunks(to, OTHER, wrong), { code: 'invalid_vector' });
        const gone = { ...ref, generation: to.generation + 1_000_000 };
        await assert.rejects(generations.putChunks(gone, OTHER, chunks), { code: 'collection_not_found' });
        await assert.rejects(generations.missing(gone, { limit: 1 }), { code: 'collection_not_found' });
        await assert.rejects(generations.activate(gone, ref.generation), { code: 'collection_not_found' });
        await assert.rejects(generations.putChunks(ref, PIN, chunks), { code: 'generation_conflict' });
        assert.equal((await generations.missing(to, { limit: 9 })).length, 1);
      },
    },
    {
      name: 'a write replaces or removes the document in every generation',
      async run(context: Context): Promise<void> {
        const { store, generations, ref, writes } = await open(context, 3);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        const changed = writeOf('d0', ['valve'], { version: '2' });
        const added = writeOf('d9', ['valve'], { version: '2' });
        const beside: BesideWrite = {
          generation: to.generation,
          pin: OTHER,
          chunks: new Map([['d9', chunksOf(added).chunks]]),
        };
        await store.putDocuments(ref, PIN, [changed, added], { beside: [beside] });
        assert.deepEqual(await documentsOf(store, to, 'engine', OTHER), ['d1', 'd2']);
        assert.deepEqual(await documentsOf(store, to, 'valve', OTHER), ['d9']);
        assert.deepEqual(
          (await generations.missing(to, { limit: 9 })).map(({ id }) => id),
          ['d0'],
        );
        assert.deepEqual(await documentsOf(store, ref, 'valve', PIN), ['d0', 'd9']);
        // Refused beside: nothing is written anywhere.
        const wrong = { ...beside, pin: { ...OTHER, revision: '2' } };
        await assert.rejects(
          store.putDocuments(ref, PIN, [writeOf('d1', ['valve'], { version: '3' })], { beside: [wrong] }),
          { code: 'model_mismatch' },
        );
        assert.deepEqual(await documentsOf(store, ref, 'valve', PIN), ['d0', 'd9']);
        // A generation that is gone by now is nobody's concern.
        const dropped = { ...beside, generation: to.generation + 1_000_000 };
        await store.putDocuments(ref, PIN, [writeOf('d1', ['valve'], { version: '3' })], {
          beside: [dropped],
        });
        assert.deepEqual(await documentsOf(store, ref, 'valve', PIN), ['d0', 'd1', 'd9']);
      },
    },
    {
      name: 'deletes reach every generation, by id and by filter',
      async run(context: Context): Promise<void> {
        const { store, generations, ref } = await open(context, 0);
        const writes = [
          writeOf('a', ['engine a'], { values: { dept: 'Legal' } }),
          writeOf('b', ['engine b'], { values: { dept: 'Sales' } }),
          writeOf('c', ['engine c'], { values: { dept: 'Sales' } }),
        ];
        await store.putDocuments(ref, PIN, writes);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        await store.deleteDocuments(ref.collection, ['a']);
        assert.deepEqual(await documentsOf(store, to, 'engine', OTHER), ['b', 'c']);
        await store.deleteByFilter(ref.collection, equalTo('dept', 'Sales'));
        assert.deepEqual(await documentsOf(store, to, 'engine', OTHER), []);
        const [, record] = await generations.list(ref.collection);
        assert.deepEqual(pick(record), {
          id: to.generation,
          state: 'building',
          chunks: 0,
          documents: 0,
          missing: 0,
        });
      },
    },
    {
      name: 'filters and scores mean the same in every generation',
      async run(context: Context): Promise<void> {
        const random = createRandom(11);
        const writes = randomWrites(random, 40);
        const { store, generations, ref } = await open(context, 0);
        await store.putDocuments(ref, PIN, writes);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        await store.finishLoad(to);
        const reference = context.reference();
        const { generation } = await reference.createCollection(specOf({ name: 'r', ...SPEC }));
        const expected: GenerationRef = { collection: 'r', generation: generation.id };
        await reference.putDocuments(
          expected,
          OTHER,
          writes.map((write) => ({ ...write, chunks: chunksOf(write).chunks })),
        );
        for (const filter of [ALL, equalTo('dept', 'Legal'), equalTo('open', true)]) {
          for (const text of ['engine motor', 'größe 0.8.2 the']) {
            const query = { text, k: 30, filter };
            const found = await store.keywordLeg(to, query);
            assert.deepEqual(rounded(found), rounded(await reference.keywordLeg(expected, query)));
          }
          const vector = random.vector(OTHER.dimensions);
          const query = { vector, k: 30, filter, exact: true };
          const found = await store.vectorLeg(to, query);
          assert.deepEqual(rounded(found.hits), rounded((await reference.vectorLeg(expected, query)).hits));
        }
        const chunk = writes[0]?.chunks[0];
        assert.ok(chunk !== undefined);
        const records = await store.getChunks(to, [chunk.id]);
        assert.equal(records.get(chunk.id)?.text, chunk.text);
        assert.deepEqual(records.get(chunk.id)?.values, writes[0]?.values);
      },
    },
    {
      name: 'fields that are added reach every generation',
      async run(context: Context): Promise<void> {
        const { store, generations, ref } = await open(context, 1);
        const to = await build(generations, ref);
        await store.addFields(ref.collection, { late: 'number' });
        const late = writeOf('late', ['engine'], { values: { late: 7 } });
        await store.putDocuments(ref, PIN, [late]);
        await generations.putChunks(to, OTHER, [chunksOf(late)]);
        const filter = {
          kind: 'compare',
          field: { name: 'late', type: 'number' },
          operator: 'eq',
          value: 7,
        } as const;
        const hits = await store.keywordLeg(to, { text: 'engine', k: 5, filter });
        assert.deepEqual(
          hits.map(({ documentId }) => documentId),
          ['late'],
        );
      },
    },
    {
      name: 'becomes active only when nothing is missing, and from the generation that was expected',
      async run(context: Context): Promise<void> {
        const { store, generations, ref, writes } = await open(context, 3);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.slice(0, 2).map(chunksOf));
        await assert.rejects(generations.activate(to, ref.generation), { code: 'generation_conflict' });
        await generations.putChunks(to, OTHER, writes.slice(2).map(chunksOf));
        await assert.rejects(generations.activate(to, to.generation), { code: 'generation_conflict' });
        await assert.rejects(generations.activate(ref, ref.generation), { code: 'generation_conflict' });
        assert.equal((await store.getCollection(ref.collection))?.generation.id, ref.generation);
        await generations.activate(to, ref.generation);
        const after = await store.getCollection(ref.collection);
        assert.equal(after?.generation.id, to.generation);
        assert.equal(after.generation.state, 'active');
        assert.deepEqual(after.generation.pin, OTHER);
        assert.deepEqual((await generations.list(ref.collection)).map(pick), [
          { id: ref.generation, state: 'retired', chunks: 3, documents: 3, missing: 0 },
          { id: to.generation, state: 'active', chunks: 3, documents: 3, missing: 0 },
        ]);
        // Readers who hold the old one go on with it; writers are told.
        assert.equal((await legs(store, ref, 'engine', PIN)).length, 3);
        await assert.rejects(store.putDocuments(ref, PIN, [writeOf('n', ['engine'])]), {
          code: 'generation_conflict',
        });
        assert.equal(await store.getDocument(ref.collection, 'n'), null);
        const written = writeOf('n', ['engine']);
        await store.putDocuments(to, OTHER, [{ ...written, chunks: chunksOf(written).chunks }]);
        assert.equal((await store.getDocument(ref.collection, 'n'))?.chunkCount, 1);
        assert.deepEqual(
          (await generations.missing(ref, { limit: 9 })).map(({ id }) => id),
          ['n'],
        );
        // And back.
        await assert.rejects(generations.activate(ref, to.generation), { code: 'generation_conflict' });
        await generations.putChunks(ref, PIN, [
          { documentId: 'n', contentHash: written.contentHash, chunks: written.chunks },
        ]);
        await generations.activate(ref, to.generation);
        assert.equal((await store.getCollection(ref.collection))?.generation.id, ref.generation);
        assert.deepEqual(await documentsOf(store, ref, 'engine', PIN), ['d0', 'd1', 'd2', 'n']);
      },
    },
    {
      name: 'each has an index of its own, built when its load is finished',
      async run(context: Context): Promise<void> {
        const { store, generations } = await open(context, 0);
        const kind = store.capabilities.indexes.find((one) => one === 'hnsw' || one === 'ivfflat');
        const index: VectorIndex =
          kind === 'ivfflat'
            ? { kind, lists: 'auto', buildAfter: 100 }
            : { kind: 'hnsw', m: 8, efConstruction: 32, buildAfter: 100 };
        const ref = await context.create({ fields: FIELDS, index });
        const writes = Array.from({ length: 120 }, (_, at) => writeOf(`d${String(at)}`, ['engine']));
        await store.putDocuments(ref, PIN, writes);
        const { id } = await generations.create(ref.collection, { ...SPEC, index });
        const to: GenerationRef = { ...ref, generation: id };
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        await store.finishLoad(to);
        assert.ok(
          ((await store.indexBytes?.(ref.collection)) ?? 0) === 0,
          'the active one is not loaded yet',
        );
        const vector = createRandom(3).vector(OTHER.dimensions);
        const { plan } = await store.vectorLeg(to, { vector, k: 5, filter: ALL });
        await generations.activate(to, ref.generation);
        if (store.indexBytes === undefined) return;
        assert.ok((await store.indexBytes(ref.collection)) > 0, 'the new one has its index');
        assert.equal(plan.strategy, 'approximate');
      },
    },
    {
      name: 'counts the chunks of the generation that is active',
      async run(context: Context): Promise<void> {
        const { store, generations, ref } = await open(context, 0);
        const write = writeOf('d', ['engine one', 'engine two', 'engine three']);
        await store.putDocuments(ref, PIN, [write]);
        const to = await build(generations, ref);
        const { chunks, ...rest } = chunksOf(write);
        await generations.putChunks(to, OTHER, [{ ...rest, chunks: chunks.slice(0, 2) }]);
        await generations.activate(to, ref.generation);
        assert.equal((await store.getDocument(ref.collection, 'd'))?.chunkCount, 2);
        assert.deepEqual(await store.countCollection(ref.collection), { documents: 1, chunks: 2 });
        const page = await store.listDocuments(ref.collection, { filter: ALL, limit: 5 });
        assert.equal(page.items[0]?.chunkCount, 2);
      },
    },
    {
      name: 'a reader who polls through the switch always gets all documents from one generation',
      async run(context: Context): Promise<void> {
        const { store, generations, ref, writes } = await open(context, 8);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        const polling = { done: false };
        const seen = new Set<number>();
        const reading = (async () => {
          while (!polling.done) {
            const collection = await store.getCollection(ref.collection);
            assert.ok(collection !== null);
            const { id, pin } = collection.generation;
            seen.add(id);
            const found = await legs(store, { ...ref, generation: id }, 'engine', pin);
            assert.equal(found.length, 8);
          }
        })();
        for (let round = 0; round < 4; round += 1) {
          const forward = round % 2 === 0;
          await generations.activate(forward ? to : ref, forward ? ref.generation : to.generation);
          await legs(store, ref, 'engine', PIN);
        }
        polling.done = true;
        await reading;
        assert.ok([...seen].every((id) => id === ref.generation || id === to.generation));
      },
    },
    {
      name: 'a generation that is not active can be dropped, whatever its state',
      async run(context: Context): Promise<void> {
        const { store, generations, ref, writes } = await open(context, 2);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        await assert.rejects(generations.drop(ref), { code: 'generation_conflict' });
        assert.equal(await generations.drop(to), true);
        assert.equal(await generations.drop(to), false);
        assert.equal((await generations.list(ref.collection)).length, 1);
        await assert.rejects(store.keywordLeg(to, { text: 'engine', k: 5, filter: ALL }), {
          code: 'collection_not_found',
        });
        // The way is free for another one.
        const again = await build(generations, ref);
        assert.notEqual(again.generation, to.generation);
        await generations.putChunks(again, OTHER, writes.map(chunksOf));
        await generations.activate(again, ref.generation);
        assert.equal(await generations.drop(ref), true);
        assert.deepEqual(await documentsOf(store, again, 'engine', OTHER), ['d0', 'd1']);
        assert.equal(await store.deleteCollection(ref.collection), true);
      },
    },
    {
      name: 'of two activations at once from one generation, one wins',
      async run(context: Context): Promise<void> {
        const { generations, ref, writes } = await open(context, 2);
        const to = await build(generations, ref);
        await generations.putChunks(to, OTHER, writes.map(chunksOf));
        const results = await Promise.allSettled(
          Array.from({ length: 4 }, () => generations.activate(to, ref.generation)),
        );
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      },
    },
  ],
};

/** What a collection keeps about itself. */
export const recordChecks: CheckGroup = {
  name: 'records',
  requires: { part: 'records' },
  checks: [
    {
      name: 'are kept in order, found by kind and page, and removed',
      async run(context: Context): Promise<void> {
        const { collection } = await context.create();
        const records = recordsOf(context.store());
        assert.deepEqual(await records.list(collection, { kinds: ['a'], limit: 5 }), []);
        const made = [];
        for (const [at, kind] of ['a', 'b', 'a', 'c', 'a'].entries()) {
          made.push(
            await records.append(collection, kind, { at, text: 'größe "\'\\ \u2028', nested: [{ x: null }] }),
          );
        }
        assert.deepEqual(
          made.map(({ id }) => id),
          made.map(({ id }) => id).toSorted((x, y) => x - y),
        );
        const latest = await records.list(collection, { kinds: ['a', 'c'], limit: 3 });
        assert.deepEqual(latest, [made[4], made[3], made[2]]);
        const before = await records.list(collection, { kinds: ['a'], limit: 9, before: made[4]?.id ?? 0 });
        assert.deepEqual(before, [made[2], made[0]]);
        assert.equal(await records.remove(collection, [made[2]?.id ?? 0, made[2]?.id ?? 0, 1e9]), 1);
        assert.deepEqual(await records.list(collection, { kinds: ['a'], limit: 9 }), [made[4], made[0]]);
      },
    },
    {
      name: 'written by many at once are all kept, each under a number of its own',
      async run(context: Context): Promise<void> {
        const { collection } = await context.create();
        const records = recordsOf(context.store());
        const made = await Promise.all(
          Array.from({ length: 24 }, (_, at) => records.append(collection, 'many', { at })),
        );
        const ids = made.map(({ id }) => id);
        assert.equal(new Set(ids).size, made.length);
        const listed = await records.list(collection, { kinds: ['many'], limit: 100 });
        assert.deepEqual(
          listed,
          made.toSorted((a, b) => b.id - a.id),
        );
        const last = await records.append(collection, 'many', {});
        assert.ok(ids.every((id) => id < last.id));
        assert.ok(made.every(({ at }) => at <= last.at));
        // Of several who remove one, one did.
        const removed = await Promise.all(ids.slice(0, 2).flatMap((id) => [remove(id), remove(id)]));
        assert.deepEqual(removed.toSorted(), [0, 0, 1, 1]);

        function remove(id: number): Promise<number> {
          return records.remove(collection, [id]);
        }
      },
    },
    {
      name: 'belong to their collection and go with it',
      async run(context: Context): Promise<void> {
        const one = await context.create();
        const other = await context.create();
        const records = recordsOf(context.store());
        await records.append(one.collection, 'a', { of: 'one' });
        assert.deepEqual(await records.list(other.collection, { kinds: ['a'], limit: 5 }), []);
        const store = context.store();
        await store.deleteCollection(one.collection);
        await assert.rejects(records.list(one.collection, { kinds: ['a'], limit: 5 }), {
          code: 'collection_not_found',
        });
        await assert.rejects(records.append(one.collection, 'a', {}), { code: 'collection_not_found' });
        await store.createCollection(specOf({ name: one.collection }));
        assert.deepEqual(await records.list(one.collection, { kinds: ['a'], limit: 5 }), []);
      },
    },
    {
      name: 'of callers at once are all kept, each with an id of its own',
      async run(context: Context): Promise<void> {
        const { collection } = await context.create();
        const records = recordsOf(context.store());
        const made = await Promise.all(
          Array.from({ length: 12 }, (_, at) => records.append(collection, 'a', { at })),
        );
        assert.equal(new Set(made.map(({ id }) => id)).size, 12);
        const listed = await records.list(collection, { kinds: ['a'], limit: 20 });
        assert.deepEqual(
          listed,
          made.toSorted((x, y) => y.id - x.id),
        );
      },
    },
  ],
};

interface Opened {
  readonly store: VectorStore;
  readonly generations: GenerationStore;
  readonly ref: GenerationRef;
  readonly writes: readonly DocumentWrite[];
}

/** A collection with documents `d0`, `d1`, … of one chunk each. */
async function open(context: Context, documents: number): Promise<Opened> {
  const store = context.store();
  const { generations } = store;
  assert.ok(generations !== undefined, 'the store keeps generations');
  const ref = await context.create({ fields: FIELDS });
  const writes = Array.from({ length: documents }, (_, at) =>
    writeOf(`d${String(at)}`, [`engine number ${String(at)}`]),
  );
  if (writes.length > 0) await store.putDocuments(ref, PIN, writes);
  return { store, generations, ref, writes };
}

function recordsOf(store: VectorStore): RecordStore {
  assert.ok(store.records !== undefined, 'the store keeps records');
  return store.records;
}

async function build(generations: GenerationStore, ref: GenerationRef): Promise<GenerationRef> {
  const { id } = await generations.create(ref.collection, SPEC);
  return { collection: ref.collection, generation: id };
}

/** The same chunks with vectors of the other model. */
function chunksOf({ document, contentHash, chunks }: DocumentWrite): {
  readonly documentId: string;
  readonly contentHash: string;
  readonly chunks: DocumentWrite['chunks'];
} {
  return {
    documentId: document.id,
    contentHash,
    chunks: chunks.map((chunk) => ({ ...chunk, vector: chunk.vector.slice(0, OTHER.dimensions) })),
  };
}

/** Ids of documents that both legs find. */
async function legs(
  store: VectorStore,
  ref: GenerationRef,
  text: string,
  pin: Pin,
): Promise<readonly string[]> {
  const found = await store.keywordLeg(ref, { text, k: 50, filter: ALL });
  const vector = new Float32Array(pin.dimensions).fill(0.5);
  const near = await store.vectorLeg(ref, { vector, k: 50, filter: ALL, exact: true });
  const nearby = new Set(near.hits.map(({ documentId }) => documentId));
  return found.map(({ documentId }) => documentId).filter((id) => nearby.has(id));
}

async function documentsOf(
  store: VectorStore,
  ref: GenerationRef,
  text: string,
  pin: Pin,
): Promise<readonly string[]> {
  return (await legs(store, ref, text, pin)).toSorted();
}

function rounded(
  hits: readonly { readonly chunkId: string; readonly score: number }[],
): readonly (readonly [string, number])[] {
  return hits.map(({ chunkId, score }) => [chunkId, Number(score.toFixed(5))]);
}

function pick(
  record:
    | {
        readonly id: number;
        readonly state: string;
        readonly chunks: number;
        readonly documents: number;
        readonly missing: number;
      }
    | undefined,
): unknown {
  if (record === undefined) return undefined;
  const { id, state, chunks, documents, missing } = record;
  return { id, state, chunks, documents, missing };
}
