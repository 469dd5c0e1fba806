import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetrievalError } from '../../src/errors.js';
import { createDocumentWriter } from '../../src/ingest/writer.js';
import type { DocumentWriter } from '../../src/ingest/writer.js';
import type { DocumentWrite } from '../../src/stores/port.js';
import { writeOf } from '../conformance/store/fixtures.js';

interface Harness {
  readonly writer: DocumentWriter;
  readonly written: string[];
  readonly refused: string[];
}

/** A writer over a store whose every write goes through `put`. */
function harness(put: (documents: readonly DocumentWrite[]) => Promise<void>): Harness {
  const written: string[] = [];
  const refused: string[] = [];
  const writer = createDocumentWriter({
    write: put,
    onWritten: (documents) => written.push(...documents.map(({ document }) => document.id)),
    onRefused: (id) => refused.push(id),
  });
  return { writer, written, refused };
}

const add = (writer: DocumentWriter, id: string): Promise<void> =>
  writer.add(1, Promise.resolve(writeOf(id, ['engine'])));

test('a document that comes while the last batch is being written is written too', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let begun: () => void = () => undefined;
  const writing = new Promise<void>((resolve) => (begun = resolve));
  const { writer, written } = harness(async () => {
    begun();
    await held;
  });
  await add(writer, 'first');
  await writing;
  await add(writer, 'second');
  release();
  await writer.finish();
  assert.deepEqual(written, ['first', 'second']);
});

test('whenever documents come, all are written, once and in order', async () => {
  for (let pause = 0; pause < 12; pause += 1) {
    const { writer, written } = harness(async () => {
      for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
    });
    const ids = Array.from({ length: 20 }, (_, index) => `d${String(index)}`);
    for (const id of ids) {
      await add(writer, id);
      // Arrives at every step of what the writer does meanwhile.
      for (let turn = 0; turn < pause; turn += 1) await Promise.resolve();
    }
    await writer.finish();
    assert.deepEqual(written, ids, `after pauses of ${String(pause)}`);
  }
});

test('a document that the store refuses does not take its batch with it', async () => {
  const { writer, written, refused } = harness((documents) =>
    documents.some(({ document }) => document.id === 'bad')
      ? Promise.reject(new RetrievalError('invalid_vector', 'A vector is all zero'))
      : Promise.resolve(),
  );
  for (const id of ['a', 'bad', 'b']) await add(writer, id);
  await writer.finish();
  assert.deepEqual([written.toSorted(), refused], [['a', 'b'], ['bad']]);
});

test('a store that fails ends the run with its error, and what was written stays told', async () => {
  const { writer, written } = harness((documents) =>
    documents.some(({ document }) => document.id === 'b')
      ? Promise.reject(new RetrievalError('store_unavailable', 'gone'))
      : Promise.resolve(),
  );
  await add(writer, 'a');
  await new Promise(setImmediate);
  await add(writer, 'b');
  await assert.rejects(writer.finish(), { code: 'store_unavailable' });
  assert.deepEqual(written, ['a']);
  await assert.rejects(add(writer, 'c'), { code: 'store_unavailable' });
});
