import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { jsonlItems, type JsonlOptions } from '../../../src/ingest/sources/jsonl.js';
import { readLines } from '../../../src/ingest/sources/lines.js';
import type { JsonObject } from '../../../src/model.js';
import { createRandom } from '../../support/random.js';
import { collect, onlyDocument, type Collected } from './support.js';

const OPTIONS: JsonlOptions = { name: 'rows.jsonl', format: 'text', metadata: {}, maxBytes: 1024 };

/** The bytes in pieces of that size. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(content: string | Buffer, options: Partial<JsonlOptions> = {}): Promise<Collected> {
  const bytes = Buffer.from(content);
  return collect(jsonlItems(pieces(bytes, 7), { ...OPTIONS, ...options }));
}

/** The one line's metadata. */
async function metadataOf(line: object, metadata: JsonObject = {}): Promise<JsonObject> {
  return onlyDocument(await read(JSON.stringify({ id: '1', text: 't', ...line }), { metadata })).metadata;
}

/** What the one line is refused for. */
async function problemOf(line: unknown): Promise<string> {
  const { documents, failures } = await read(JSON.stringify(line));
  assert.deepEqual(documents, []);
  const [[name, code, message] = ['', '', '']] = failures;
  assert.deepEqual([name, code, failures.length], ['rows.jsonl:1', 'invalid_document', 1]);
  return message;
}

test('every line is a document; the members without a meaning are metadata', async () => {
  const line = {
    id: 'a',
    title: 'Leave',
    text: '# Leave',
    format: 'markdown',
    source: 'https://example.com/leave',
    metadata: { dept: 'HR' },
    year: 2024,
    tags: ['x'],
  };
  assert.deepEqual(onlyDocument(await read(JSON.stringify(line))), {
    id: 'a',
    title: 'Leave',
    content: '# Leave',
    format: 'markdown',
    source: 'https://example.com/leave',
    metadata: { dept: 'HR', year: 2024, tags: ['x'] },
  });
});

test('a bad line fails by its number, and the next ones go on', async () => {
  const { documents, failures } = await read(
    [
      '{"id": "1", "text": "a"}',
      '{"id": "2", "text": secret}',
      '',
      '["3", "c"]',
      '{"id": "4", "text": "d"}',
      'null',
      '{"id": "5", "text": "e"} {"id": "6", "text": "f"}',
      '{"id": "7", "text": "g"}',
    ].join('\n'),
  );
  assert.deepEqual(
    documents.map(({ id, content }) => [id, content]),
    [
      ['1', 'a'],
      ['4', 'd'],
      ['7', 'g'],
    ],
  );
  assert.deepEqual(failures, [
    ['rows.jsonl:2', 'invalid_document', 'is not JSON'],
    ['rows.jsonl:4', 'invalid_document', 'must be a JSON object'],
    ['rows.jsonl:6', 'invalid_document', 'must be a JSON object'],
    ['rows.jsonl:7', 'invalid_document', 'is not JSON'],
  ]);
});

test('a line that is not UTF-8 fails alone', async () => {
  const { documents, failures } = await read(
    Buffer.concat([
      Buffer.from('{"id": "1", "text": "a"}\n{"id": "2", "text": "'),
      Uint8Array.of(0xfc),
      Buffer.from('"}\n{"id": "3", "text": "ü"}\n'),
    ]),
  );
  assert.deepEqual(
    documents.map(({ id }) => id),
    ['1', '3'],
  );
  assert.deepEqual(failures, [['rows.jsonl:2', 'invalid_document', 'is not valid UTF-8']]);
});

test('a file that is no JSON lines at all is one failure', async () => {
  const utf16 = Buffer.from('\uFEFF{"id": "1", "text": "a"}\n{"id": "2", "text": "b"}\n', 'utf16le');
  assert.deepEqual((await read(utf16)).failures, [
    ['rows.jsonl', 'invalid_document', 'is in UTF-16; JSON lines are read as UTF-8 only'],
  ]);
  const binary = Buffer.concat([Uint8Array.of(0x50, 0x4b, 0, 0), Buffer.from('\n\n{"id": "1"}\n')]);
  assert.deepEqual((await read(binary)).failures, [
    ['rows.jsonl', 'invalid_document', 'is binary, not JSON lines'],
  ]);
});

test('id or _id, a string or a whole number', async () => {
  const ids = await read(
    '{"_id": "beir", "text": "t"}\n{"id": 7, "text": "t"}\n{"id": "both", "_id": "x", "text": "t"}\n',
  );
  assert.deepEqual(
    ids.documents.map(({ id, metadata }) => [id, metadata]),
    [
      ['beir', {}],
      ['7', {}],
      ['both', { _id: 'x' }],
    ],
  );
  assert.match(await problemOf({ text: 't' }), /^"id" is missing/u);
  for (const id of [1.5, 2 ** 60, null, true, ['a']]) {
    assert.equal(await problemOf({ id, text: 't' }), '"id" must be a string or a whole number');
  }
});

test('text or content, and not both', async () => {
  const texts = await read('{"id": "1", "content": "c"}\n{"id": "2", "text": null, "content": "d"}\n');
  assert.deepEqual(
    texts.documents.map(({ content }) => content),
    ['c', 'd'],
  );
  assert.match(await problemOf({ id: '1' }), /^"text" is missing/u);
  assert.match(await problemOf({ id: '1', text: null }), /^"text" is missing/u);
  assert.match(await problemOf({ id: '1', text: 'a', content: 'a' }), /^"content" is given beside "text"/u);
  assert.equal(await problemOf({ id: '1', text: 5 }), '"text" must be a string');
  assert.equal(await problemOf({ id: '1', text: 't', metadata: ['a'] }), '"metadata" must be a JSON object');
  assert.equal(
    await problemOf({ id: '1', text: 't', format: 'pdf' }),
    '"format" must be markdown, html or text',
  );
});

test('members and metadata are merged; where they disagree the line is refused', async () => {
  assert.deepEqual(await metadataOf({ metadata: { a: 1, b: { c: [2] } }, b: { c: [2] }, d: 3 }), {
    a: 1,
    b: { c: [2] },
    d: 3,
  });
  // What is empty on one side has nothing to lose.
  assert.deepEqual(await metadataOf({ metadata: { a: 1, b: null }, a: '', b: 2 }), { a: 1, b: 2 });
  assert.deepEqual(await metadataOf({ metadata: null, a: null }), { a: null });
  assert.equal(
    await problemOf({ id: '1', text: 't', metadata: { year: 2023 }, year: 2024 }),
    '"metadata.year" differs from the line\'s own "year"; give it once',
  );
  assert.match(
    await problemOf({ id: '1', text: 't', metadata: { title: 'A' }, title: 'B' }),
    /^"metadata\.title" differs/u,
  );
});

test('metadata of the run wins over the line’s', async () => {
  assert.deepEqual(await metadataOf({ dept: 'HR', year: 2023 }, { year: 2024, title: 'T' }), {
    dept: 'HR',
    year: 2024,
  });
});

test('names of Object.prototype are names like any other', async () => {
  const line = '{"id": "1", "text": "t", "constructor": "c", "toString": 1, "metadata": {"valueOf": true}}';
  const { metadata, title } = onlyDocument(await read(line));
  assert.deepEqual(Object.entries(metadata).sort(), [
    ['constructor', 'c'],
    ['toString', 1],
    ['valueOf', true],
  ]);
  assert.equal(title, undefined);
});

test('lines end at LF and CRLF, and nowhere else', async () => {
  const text = 'a\u2028b\u2029c\u0085d';
  const { documents, failures } = await read(
    `\uFEFF{"id": "1", "text": "${text}"}\r\n\r\n \t\n{"id": "2", "text": "e"}\n\n{"id": "3", "text": "f"}`,
  );
  assert.deepEqual(failures, []);
  assert.deepEqual(
    documents.map(({ id, content }) => [id, content]),
    [
      ['1', text],
      ['2', 'e'],
      ['3', 'f'],
    ],
  );
});

test('a line may be as long as maxBytes, its end not counted; a longer one fails alone', async () => {
  const line = (id: string, length: number): string => {
    const empty = JSON.stringify({ id, text: '' }).length;
    return JSON.stringify({ id, text: 'x'.repeat(length - empty) });
  };
  const lines = [line('1', 64), line('2', 65), line('3', 30), line('4', 10_000), line('5', 64)];
  for (const end of ['\n', '\r\n']) {
    const { documents, failures } = await read(lines.map((text) => text + end).join(''), { maxBytes: 64 });
    assert.deepEqual(
      documents.map(({ id }) => id),
      ['1', '3', '5'],
    );
    assert.deepEqual(failures, [
      ['rows.jsonl:2', 'invalid_document', 'is a line longer than 64 bytes'],
      ['rows.jsonl:4', 'invalid_document', 'is a line longer than 64 bytes'],
    ]);
  }
});

test('lines do not depend on how the bytes are cut', async () => {
  const random = createRandom(7);
  for (let round = 0; round < 200; round += 1) {
    const alphabet = ['\n', '\r\n', '\r', 'a', 'é', '🌍', ' '];
    const text = Array.from({ length: random.int(30) }, () => random.pick(alphabet)).join('');
    const lines = text.split('\n');
    // What stands behind the last end is a line only when there is something.
    if (lines.at(-1) === '') lines.pop();
    const expected = lines.map((line) => line.replace(/\r$/u, ''));
    const found: string[] = [];
    for await (const { number, bytes } of readLines(pieces(Buffer.from(text), 1 + random.int(5)), 1024)) {
      found.push(bytes?.toString() ?? 'too long');
      assert.equal(number, found.length);
    }
    assert.deepEqual(found, expected, JSON.stringify(text));
  }
});

test('a cancelled run ends at the next line', async () => {
  const controller = new AbortController();
  const stream = pieces(Buffer.from('{"id": "1", "text": "a"}\n{"id": "2", "text": "b"}\n'), 1024);
  const ids: string[] = [];
  await assert.rejects(
    async () => {
      for await (const item of jsonlItems(stream, OPTIONS, controller.signal)) {
        if (item.kind === 'document') ids.push(item.document.id);
        controller.abort();
      }
    },
    (error) => hasCode(error, 'cancelled'),
  );
  assert.deepEqual(ids, ['1']);
});
