import assert from 'node:assert/strict';
import { hasCode } from '../../errors.js';
import type { Pin } from '../../model.js';
import type { Check, CheckGroup, Context } from '../check.js';
import { ALL, DIMENSIONS, PIN, writeOf } from '../fixtures.js';

const OTHER_PIN: { readonly [Key in keyof Pin]: Pin[Key] } = {
  provider: 'other',
  model: 'other',
  revision: '2',
  weightsSha256: null,
  tokenizerSha256: 'b'.repeat(64),
  dimensions: DIMENSIONS - 1,
  pooling: 'cls',
  normalized: true,
  precision: 'int8',
  documentPrefix: '',
  queryPrefix: 'query: ',
};

const pins = (Object.keys(OTHER_PIN) as (keyof Pin)[]).map((key): Check => ({
  name: `a pin with another ${key}`,
  async run(context: Context): Promise<void> {
    const store = context.store();
    const ref = await context.create();
    const old = writeOf('a', ['engine']);
    await store.putDocuments(ref, PIN, [old]);
    const changed = writeOf('a', ['valve'], { version: '2' });
    await assert.rejects(
      store.putDocuments(ref, { ...PIN, [key]: OTHER_PIN[key] }, [changed]),
      (error: unknown) => hasCode(error, 'model_mismatch') && hasDiffering(error.details['differing'], key),
    );
    assert.equal((await store.getDocument(ref.collection, 'a'))?.contentHash, old.contentHash);
  },
}));

const BAD_VECTORS = {
  'a NaN': () => fill(NaN),
  'an infinity': () => fill(Infinity),
  'a negative infinity': () => fill(-Infinity),
  'too few dimensions': () => new Float32Array(DIMENSIONS - 1).fill(1),
  'too many dimensions': () => new Float32Array(DIMENSIONS + 1).fill(1),
  'no dimensions': () => new Float32Array(0),
  'no direction': () => new Float32Array(DIMENSIONS),
} as const;
const vectors = Object.entries(BAD_VECTORS).map(([name, make]): Check => ({
  name: `a vector with ${name}, and its whole batch`,
  async run(context: Context): Promise<void> {
    const store = context.store();
    const ref = await context.create();
    const old = writeOf('a', ['engine']);
    await store.putDocuments(ref, PIN, [old]);
    const good = writeOf('a', ['valve', 'rotor'], { version: '2' });
    const spoilt = writeOf('b', ['one', 'two'], { vectors: [fill(1), make()] });
    for (const batch of [
      [good, spoilt],
      [spoilt, good],
    ]) {
      await assert.rejects(store.putDocuments(ref, PIN, batch), { code: 'invalid_vector' });
    }
    assert.deepEqual(await store.countCollection(ref.collection), { documents: 1, chunks: 1 });
    assert.equal((await store.getDocument(ref.collection, 'a'))?.contentHash, old.contentHash);
    const vector = make();
    await assert.rejects(store.vectorLeg(ref, { vector, k: 1, filter: ALL }), { code: 'invalid_vector' });
    await assert.rejects(store.scoreChunks(ref, { chunkIds: old.chunks.map(({ id }) => id), vector }), {
      code: 'invalid_vector',
    });
  },
}));

const zeros = (['dot', 'l2'] as const).map((metric): Check => ({
  name: `but not a zero vector under ${metric}`,
  async run(context: Context): Promise<void> {
    const store = context.store();
    const ref = await context.create({ metric });
    const zero = new Float32Array(DIMENSIONS);
    await store.putDocuments(ref, PIN, [writeOf('a', ['engine'], { vectors: [zero] })]);
    const { hits } = await store.vectorLeg(ref, { vector: zero, k: 5, filter: ALL });
    assert.equal(hits.length, 1);
    assert.equal(Math.abs(hits[0]?.score ?? NaN), 0);
  },
}));

/** What may not be written, and leaves no trace. */
export const refusedWriteChecks: CheckGroup = {
  name: 'refused writes',
  checks: [...pins, ...vectors, ...zeros],
};

function fill(last: number): Float32Array {
  const vector = new Float32Array(DIMENSIONS).fill(0.5);
  vector[DIMENSIONS - 1] = last;
  return vector;
}

function hasDiffering(differing: unknown, key: string): boolean {
  assert.deepEqual(differing, [key]);
  return true;
}
