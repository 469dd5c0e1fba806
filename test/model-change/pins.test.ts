/** Each field of a pin, changed alone, is refused wherever vectors are made, written or asked for. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { loadConfig } from '../../src/config.js';
import type { Embedder } from '../../src/embedders/port.js';
import { RetrievalError } from '../../src/errors.js';
import type { Source } from '../../src/ingest/types.js';
import type { Pin } from '../../src/model.js';
import { modelVersion } from '../../src/pin.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput, QueryRequest } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { pinSchema } from '../../src/stores/record-schemas.js';
import type { VectorStore } from '../../src/stores/port.js';
import { writeOf } from '../conformance/store/fixtures.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { testStores } from '../support/stores.js';
import type { OpenedStore } from '../support/stores.js';
import { sourceOf } from '../support/source.js';

const AUTHOR = { by: 'tester' };

/** Every field there is: the compiler holds the schema to the type, and the test goes by the schema. */
const SHAPE: Readonly<Record<keyof Required<Pin>, z.ZodType>> = pinSchema.shape;
const FIELDS = Object.keys(SHAPE) as (keyof Pin)[];
/** Not part of a pin's name: they are vectors, and compared by how near they are. */
const MEASURED = 'canaries';

/** A model, and another that differs in one field of its pin. Both are watched, so that they have canaries. */
function modelsThatDifferIn(field: keyof Pin): { readonly pinned: Embedder; readonly other: Embedder } {
  const base = createFakeEmbedder({ name: 'pinned' });
  const pinned: Embedder = { ...base, remote: { pricePerThousandTokens: null } };
  if (field === MEASURED) {
    // The same name for everything, and other vectors.
    const embed: Embedder['embed'] = async (texts, options) =>
      (await base.embed(texts, options)).map((vector) => vector.toReversed());
    return { pinned, other: { ...pinned, embed } };
  }
  const pin = { ...base.pin, [field]: another(SHAPE[field], base.pin[field]) };
  return { pinned, other: { ...pinned, pin } };
}

/** A value that the field may have and has not. */
function another(type: z.ZodType, value: unknown): unknown {
  const candidates: readonly unknown[] = [
    typeof value === 'string' ? `${value}x` : 'x',
    typeof value === 'number' ? value + 1 : 1,
    value !== true,
    ...(type instanceof z.ZodEnum ? type.options : []),
  ];
  const found = candidates.find((candidate) => candidate !== value && type.safeParse(candidate).success);
  assert.ok(found !== undefined, 'this test knows no other value for the field');
  return found;
}

for (const { name, open } of testStores()) {
  describe(`a pin in which one field is another: ${name}`, () => {
    let opened: OpenedStore;
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());

    for (const field of FIELDS) {
      test(field, async (t) => {
        const { store } = opened;
        const collection = `pins-${field.toLowerCase()}`;
        const { pinned, other } = modelsThatDifferIn(field);
        const runtime = await openWith(store, pinned);
        t.after(() => runtime.catalog.deleteCollection(collection));
        await runtime.catalog.createCollection({ name: collection, embedder: 'pinned' });
        await runtime.ingest(collection, engineOf('one'));
        const { generation } = await runtime.catalog.getCollection(collection);
        const refused = (work: Promise<unknown>, ...differing: readonly (keyof Pin)[]): Promise<void> =>
          assertRefused(work, [generation.pin, other.pin], differing);

        // The next start of the service: the model has changed, the store has not.
        const restarted = await openWith(store, other);
        await t.test('at the start', () => refused(restarted.checkPins(), field));
        await t.test('at ingest', async () => {
          await refused(restarted.ingest(collection, engineOf('two')), field);
          assert.equal((await store.countCollection(collection)).documents, 1);
        });
        await t.test('at a query', async () => {
          await refused(ask(restarted, collection, { mode: 'hybrid' }), field);
          await refused(ask(restarted, collection, { mode: 'vector' }), field);
          await refused(restarted.why(collection, { request: requestOf({}), document_id: 'one' }), field);
        });
        if (field !== MEASURED) {
          const model_version = modelVersion(other.pin);
          await t.test('at a query that names its model', () =>
            refused(ask(runtime, collection, { model_version })),
          );
          await t.test('at a query with a vector of its own', async () => {
            const [vector] = await other.embed(['engine'], { inputType: 'query' });
            assert.ok(vector !== undefined);
            await refused(ask(runtime, collection, { model_version, vector: [...vector] }));
          });
        }

        const [vector] = await pinned.embed(['engine'], { inputType: 'document' });
        assert.ok(vector !== undefined);
        const write = writeOf('three', ['engine'], { vectors: [vector] });
        const ref = { collection, generation: generation.id };
        const given = await pinOf(restarted, `${collection}-other`);
        await t.test('at a write past the pipeline', () =>
          refused(store.putDocuments(ref, given, [write]), field),
        );
        const { generations } = store;
        await t.test('at the build of a generation', { skip: generations === undefined }, async () => {
          const { id } = await runtime.generations.start(collection, { chunker: { kind: 'fixed' } }, AUTHOR);
          await refused(restarted.generations.build(collection, id, AUTHOR), field);
          await refused(restarted.generations.activate(collection, id, { ...AUTHOR, force: true }), field);
          const stored = await store.getDocument(collection, 'one');
          const chunks = write.chunks.map((chunk) => ({ ...chunk, documentId: 'one' }));
          const writes = [{ documentId: 'one', contentHash: stored?.contentHash ?? '', chunks }];
          await refused(
            generations?.putChunks({ collection, generation: id }, given, writes) ?? Promise.resolve(),
            field,
          );
          const beside = [{ generation: id, pin: given, chunks: new Map([['three', write.chunks]]) }];
          await refused(store.putDocuments(ref, generation.pin, [write], { beside }), field);
          const [, building] = await runtime.generations.list(collection);
          assert.deepEqual([building?.documents, building?.missing, building?.state], [0, 1, 'building']);
        });
        assert.equal((await store.countCollection(collection)).documents, 1);
        assert.equal((await ask(runtime, collection, {})).hits.length, 1);
      });
    }
  });
}

function openWith(store: VectorStore, embedder: Embedder): Promise<Runtime> {
  return openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    openEmbedder: () => Promise.resolve(embedder),
  });
}

function engineOf(id: string): Source {
  return sourceOf([{ id, format: 'text', content: 'The engine turns.', metadata: {} }]);
}

function requestOf(input: Omit<QueryInput, 'query'>): QueryRequest {
  return queryRequestSchema.parse({ query: 'engine', ...input });
}

function ask(runtime: Runtime, collection: string, input: Omit<QueryInput, 'query'>): Promise<QueryAnswer> {
  return runtime.retrieve(collection, requestOf(input));
}

/** The pin that the runtime's model has now, canaries and all. */
async function pinOf(runtime: Runtime, name: string): Promise<Pin> {
  const { generation } = await runtime.catalog.createCollection({
    name,
    embedder: 'pinned',
    metric: 'cosine',
  });
  await runtime.catalog.deleteCollection(name);
  return generation.pin;
}

/** Both are named, and where two pins were at hand, the field too. */
async function assertRefused(
  work: Promise<unknown>,
  pins: readonly [Pin, Pin],
  differing: readonly (keyof Pin)[],
): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof RetrievalError, String(error));
    assert.equal(error.code, 'model_mismatch');
    for (const pin of pins) assert.ok(error.message.includes(modelVersion(pin)), error.message);
    const [field] = differing;
    if (field !== undefined) assert.deepEqual(error.details['differing'], [field]);
    return true;
  });
}
