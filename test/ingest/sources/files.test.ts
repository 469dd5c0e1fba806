import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hasCode } from '../../../src/errors.js';
import { combinedSource } from '../../../src/ingest/sources/combined.js';
import { openFilesSource, type FilesOptions } from '../../../src/ingest/sources/files.js';
import { collect, makeFolder, onlyDocument, type Collected } from './support.js';

async function read(
  cwd: string,
  named: readonly string[],
  options: Partial<FilesOptions> = {},
): Promise<Collected> {
  return collect(await openFilesSource(named, { cwd, ...options }));
}

/** Big-endian UTF-16 with its mark; Node writes the little-endian only. */
function utf16be(text: string): Buffer {
  return Buffer.from(`\uFEFF${text}`, 'utf16le').swap16();
}

test('a file becomes a document of its format; id and source are its path', async (t) => {
  const cwd = await makeFolder(t, {
    'docs/a.md': '# A\n',
    'docs/b.html': '<p>B</p>',
    'docs/c.txt': 'C',
    'docs/d.jsonl': '{"id": "d", "text": "D"}\n',
    named: 'E',
  });
  const { documents, failures } = await read(cwd, ['docs', 'named']);
  assert.deepEqual(failures, []);
  assert.deepEqual(documents, [
    { id: 'docs/a.md', format: 'markdown', content: '# A\n', metadata: {}, source: 'docs/a.md' },
    { id: 'docs/b.html', format: 'html', content: '<p>B</p>', metadata: {}, source: 'docs/b.html' },
    { id: 'docs/c.txt', format: 'text', content: 'C', metadata: {}, source: 'docs/c.txt' },
    { id: 'd', format: 'text', content: 'D', metadata: {} },
    { id: 'named', format: 'text', content: 'E', metadata: {}, source: 'named' },
  ]);
});

test('--format reads files so whatever they are called; of JSON lines it is the documents’ own', async (t) => {
  const cwd = await makeFolder(t, {
    'a.txt': '---\nlang: en\n---\n# A\n',
    'b.jsonl': '{"id": "1", "text": "# B"}\n{"id": "2", "text": "<p>", "format": "html"}\n',
    rows: '{"id": "3", "text": "C"}\n',
  });
  const { documents } = await read(cwd, ['a.txt', 'b.jsonl'], { format: 'markdown' });
  assert.deepEqual(
    documents.map(({ id, format, metadata }) => [id, format, metadata]),
    [
      ['a.txt', 'markdown', { lang: 'en' }],
      ['1', 'markdown', {}],
      ['2', 'html', {}],
    ],
  );
  const rows = onlyDocument(await read(cwd, ['rows'], { format: 'jsonl' }));
  assert.deepEqual([rows.id, rows.format], ['3', 'text']);
});

test('UTF-8 and UTF-16 with a mark are read, and the mark left out', async (t) => {
  const text = '# Grüße, 世界 🌍\n';
  const cwd = await makeFolder(t, {
    'be.md': utf16be(text),
    'le.md': Buffer.from(`\uFEFF${text}`, 'utf16le'),
    'plain.md': text,
    'with-mark.md': `\uFEFF${text}`,
  });
  const { documents, failures } = await read(cwd, ['.']);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    documents.map(({ content }) => content),
    [text, text, text, text],
  );
});

test('what is no text is refused, and the other files go on', async (t) => {
  const cwd = await makeFolder(t, {
    'binary.md': Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1),
    'half.md': Buffer.concat([Uint8Array.of(0xff, 0xfe), Buffer.from('ab\ud800', 'utf16le')]),
    'latin1.txt': Buffer.from('Grüße', 'latin1'),
    'nul.txt': 'a\0b',
    'sound.md': 'fine',
  });
  const { documents, failures } = await read(cwd, ['.', 'gone.md']);
  assert.deepEqual(
    documents.map(({ id }) => id),
    ['sound.md'],
  );
  assert.deepEqual(failures, [
    ['binary.md', 'invalid_document', 'is binary, not text'],
    ['half.md', 'invalid_document', 'is not valid UTF-16LE'],
    ['latin1.txt', 'invalid_document', 'is not valid UTF-8'],
    ['nul.txt', 'invalid_document', 'is binary, not text'],
    ['gone.md', 'invalid_document', 'does not exist'],
  ]);
});

test('a file may be as large as maxBytes, and no larger; what is packed counts unpacked', async (t) => {
  const cwd = await makeFolder(t, {
    'fits.txt': 'x'.repeat(1000),
    'large.txt': 'x'.repeat(1001),
    'packed.txt.gz': gzipSync('x'.repeat(1_000_000)),
  });
  const { documents, failures } = await read(cwd, ['fits.txt', 'large.txt', 'packed.txt.gz'], {
    maxBytes: 1000,
  });
  assert.deepEqual(
    documents.map(({ id }) => id),
    ['fits.txt'],
  );
  assert.deepEqual(failures, [
    ['large.txt', 'invalid_document', 'is larger than 1000 bytes'],
    ['packed.txt.gz', 'invalid_document', 'is larger than 1000 bytes'],
  ]);
});

test('packed JSON lines are unpacked; a damaged file gives what was sound before', async (t) => {
  const lines = Array.from({ length: 3 }, (_, n) => `{"id": "${String(n)}", "text": "t"}\n`).join('');
  const packed = gzipSync(lines);
  const cwd = await makeFolder(t, {
    'rows.jsonl.gz': packed,
    'short.ndjson.gz': packed.subarray(0, packed.length - 6),
    'wrong.jsonl.gz': 'not packed at all',
  });
  const { documents, failures } = await read(cwd, ['rows.jsonl.gz']);
  assert.deepEqual([documents.map(({ id }) => id), failures], [['0', '1', '2'], []]);

  const damaged = await read(cwd, ['short.ndjson.gz', 'wrong.jsonl.gz']);
  assert.deepEqual(damaged.failures, [
    ['short.ndjson.gz', 'invalid_document', 'is a gzip file that ends too early'],
    ['wrong.jsonl.gz', 'invalid_document', 'is not a sound gzip file'],
  ]);
});

test('a FIFO is read to its end, as a shell’s <(command) is', { timeout: 20_000 }, async (t) => {
  const cwd = await makeFolder(t);
  const path = join(cwd, 'pipe');
  execFileSync('mkfifo', [path]);
  const source = await openFilesSource(['pipe'], { cwd, format: 'jsonl', countLines: true });
  // Its lines cannot be counted beforehand: they come once.
  assert.equal(source.total, null);
  const [collected] = await Promise.all([collect(source), writeFile(path, '{"id": "1", "text": "t"}\n')]);
  assert.equal(onlyDocument(collected).id, '1');
});

test('a socket or a device is no file', async (t) => {
  const cwd = await makeFolder(t);
  assert.deepEqual((await read(cwd, ['/dev/null'])).failures, [
    ['/dev/null', 'invalid_document', 'is not a file'],
  ]);
});

test('the total counts files and failures, and the lines of JSON lines when asked', async (t) => {
  const cwd = await makeFolder(t, {
    'a.md': 'a',
    'rows.jsonl': '{"id": "1", "text": "t"}\n\n \t\r\nnot JSON\n{"id": "2", "text": "t"}',
    'more.jsonl.gz': gzipSync('{"id": "3", "text": "t"}\n'),
  });
  const named = ['a.md', 'rows.jsonl', 'more.jsonl.gz', 'gone.md'];
  const counted = await openFilesSource(named, { cwd, countLines: true });
  const { documents, failures } = await collect(counted);
  assert.deepEqual([documents.length, failures.length], [4, 2]);
  assert.equal(counted.total, 6);
  assert.equal((await openFilesSource(named, { cwd })).total, null);
  assert.equal((await openFilesSource(['a.md', 'gone.md'], { cwd })).total, 2);
});

test('--file-dates: the date of the file, unless the document states one', async (t) => {
  const cwd = await makeFolder(t, {
    'dated.md': '---\nupdated: 2021-05-01\n---\nA',
    'plain.md': 'B',
  });
  const date = new Date('2024-03-01T10:00:00Z');
  for (const name of ['dated.md', 'plain.md']) await utimes(join(cwd, name), date, date);
  const dates = async (fileDates: boolean): Promise<readonly unknown[]> =>
    (await read(cwd, ['.'], { fileDates })).documents.map(({ metadata }) => metadata['modified_at']);
  assert.deepEqual(await dates(true), ['2021-05-01', '2024-03-01T10:00:00.000Z']);
  assert.deepEqual(await dates(false), ['2021-05-01', undefined]);
});

test('a cancelled run throws instead of failing the rest', async (t) => {
  const cwd = await makeFolder(t, { 'a.md': 'a', 'b.md': 'b' });
  const source = await openFilesSource(['.'], { cwd });
  const controller = new AbortController();
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const item of source.items(controller.signal)) {
        seen.push(item.kind);
        controller.abort();
      }
    },
    (error) => hasCode(error, 'cancelled'),
  );
  assert.deepEqual(seen, ['document']);
});

test('sources are read one after the other; the total is known when all are', async (t) => {
  const cwd = await makeFolder(t, { 'a.md': 'a', 'b.md': 'b', 'c.jsonl': '{"id": "c", "text": "t"}' });
  const [a, b, c] = await Promise.all(
    ['a.md', 'b.md', 'c.jsonl'].map((name) => openFilesSource([name], { cwd })),
  );
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  assert.equal(combinedSource([b, a]).total, 2);
  const all = combinedSource([c, b, a]);
  assert.equal(all.total, null);
  assert.deepEqual(
    (await collect(all)).documents.map(({ id }) => id),
    ['c', 'b.md', 'a.md'],
  );
});
