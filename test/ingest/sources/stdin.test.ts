import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { streamSource, type StreamOptions } from '../../../src/ingest/sources/stdin.js';
import { collect, onlyDocument, type Collected } from './support.js';

async function read(content: string | Uint8Array, options: StreamOptions = {}): Promise<Collected> {
  return collect(streamSource(Readable.from([Buffer.from(content)]), options));
}

test('JSON lines by default, each with an id of its own', async () => {
  const { documents, failures } = await read('{"id": "1", "text": "a"}\nno\n{"id": "2", "text": "b"}', {
    metadata: { lang: 'en' },
  });
  assert.deepEqual(
    documents.map(({ id, content, metadata, source }) => [id, content, metadata, source]),
    [
      ['1', 'a', { lang: 'en' }, undefined],
      ['2', 'b', { lang: 'en' }, undefined],
    ],
  );
  assert.deepEqual(failures, [['stdin:2', 'invalid_document', 'is not JSON']]);
});

test('with a format, one document of the given id', async () => {
  const document = onlyDocument(
    await read('---\ndept: HR\n---\n# A', { id: 'a', format: 'markdown', metadata: { dept: 'IT' } }),
  );
  assert.deepEqual(document, { id: 'a', format: 'markdown', content: '# A', metadata: { dept: 'IT' } });
});

test('an id goes with a format, and a format with an id', () => {
  const stream = Readable.from([]);
  const refused = (options: StreamOptions): void => {
    assert.throws(
      () => streamSource(stream, options),
      (error) => hasCode(error, 'invalid_request') && error.field === 'id',
    );
  };
  refused({ id: 'a' });
  refused({ id: 'a', format: 'jsonl' });
  refused({ format: 'text' });
  assert.equal(streamSource(stream, { id: 'a', format: 'text' }).total, 1);
  assert.equal(streamSource(stream, {}).total, null);
});

test('what is binary or too large fails by its id', async () => {
  const options = { id: 'a', format: 'text', maxBytes: 4 } as const;
  assert.deepEqual((await read(Uint8Array.of(1, 0, 2), options)).failures, [
    ['a', 'invalid_document', 'is binary, not text'],
  ]);
  assert.deepEqual((await read('12345', options)).failures, [
    ['a', 'invalid_document', 'is larger than 4 bytes'],
  ]);
});

test('a stream that breaks is a failure, with what came before it kept', async () => {
  const stream = new PassThrough();
  stream.write('{"id": "1", "text": "a"}\n');
  const items = streamSource(stream, {}).items()[Symbol.asyncIterator]();
  const first = (await items.next()) as IteratorResult<{ readonly kind: string }, undefined>;
  assert.equal(first.value?.kind, 'document');
  stream.destroy(Object.assign(new Error('gone'), { code: 'ECONNRESET' }));
  const { documents, failures } = await collect({ [Symbol.asyncIterator]: () => items });
  assert.deepEqual(documents, []);
  assert.deepEqual(failures, [['stdin', 'invalid_document', 'cannot be read (ECONNRESET)']]);
});

for (const options of [{}, { id: 'a', format: 'text' }] as const) {
  const what = 'id' in options ? 'one document' : 'JSON lines';
  test(`a wait for ${what} that never come ends when it is cancelled`, { timeout: 10_000 }, async () => {
    const stream = new PassThrough();
    const controller = new AbortController();
    const source = streamSource(stream, options);
    const reading = collect(source, controller.signal);
    // `newListener` of what the loop waits with: only then is it really waiting.
    await once(stream, 'newListener');
    controller.abort();
    await assert.rejects(reading, (error) => hasCode(error, 'cancelled'));
    assert.equal(stream.destroyed, true);
  });
}
