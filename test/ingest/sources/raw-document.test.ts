import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { textDocument } from '../../../src/ingest/sources/files.js';
import { toRawDocument } from '../../../src/ingest/sources/raw-document.js';
import type { JsonObject, JsonValue, RawDocument } from '../../../src/model.js';

function fromMetadata(metadata: JsonObject, overrides: JsonObject = {}): RawDocument {
  return toRawDocument({ id: '1', format: 'text', content: 't', metadata, overrides, source: 'path' });
}

function fromMarkdown(content: string): RawDocument {
  return textDocument('a.md', content, 'markdown', {}, 'a.md');
}

/** The field at fault. */
function refusedField(metadata: JsonObject): string | undefined {
  let field: string | undefined;
  assert.throws(
    () => fromMetadata(metadata),
    (error) => {
      if (!hasCode(error, 'invalid_metadata')) return false;
      field = error.field;
      return true;
    },
  );
  return field;
}

test('front matter becomes metadata; title, source and dates are understood', () => {
  const document = fromMarkdown(
    [
      '---',
      'title: Leave',
      'source: https://example.com/leave',
      'dept: HR',
      'tags: [leave, pay]',
      'version: 3',
      'date: 2024-01-31',
      'lastmod: 2024-02-01T10:00:00+01:00',
      '---',
      '# Leave',
    ].join('\n'),
  );
  assert.deepEqual(document, {
    id: 'a.md',
    format: 'markdown',
    content: '# Leave',
    title: 'Leave',
    source: 'https://example.com/leave',
    metadata: {
      dept: 'HR',
      tags: ['leave', 'pay'],
      version: 3,
      date: '2024-01-31',
      created_at: '2024-01-31',
      lastmod: '2024-02-01T10:00:00+01:00',
      modified_at: '2024-02-01T10:00:00+01:00',
    },
  });
});

test('front matter ends like the file’s lines do; two rules are no front matter', () => {
  assert.deepEqual(fromMarkdown('---\r\ndept: HR\r\n---\r\nText').metadata, { dept: 'HR' });
  const prose = '---\nJust a sentence.\n---\nText';
  assert.deepEqual([fromMarkdown(prose).content, fromMarkdown(prose).metadata], [prose, {}]);
  // Other formats have none.
  const text = textDocument('a.txt', '---\ndept: HR\n---\n', 'text', {});
  assert.deepEqual([text.content, text.metadata], ['---\ndept: HR\n---\n', {}]);
});

test('broken front matter is the document’s failure, and its text is not repeated', () => {
  assert.throws(
    () => fromMarkdown('---\ndept: HR\npassword: [hunter2\n---\nText'),
    (error) =>
      hasCode(error, 'invalid_document') &&
      /front matter .* line \d+/u.test(error.message) &&
      !error.message.includes('hunter2'),
  );
});

test('a title may be what YAML takes for a number; a list is none', () => {
  assert.equal(fromMetadata({ title: 2024 }).title, '2024');
  assert.equal(fromMetadata({ title: false }).title, 'false');
  assert.equal(fromMetadata({ title: '  Leave ' }).title, 'Leave');
  for (const title of ['', ' ', null]) {
    const document = fromMetadata({ title });
    assert.equal(document.title, undefined);
    assert.deepEqual(document.metadata, {});
  }
  assert.equal(refusedField({ title: ['a'] }), 'metadata.title');
  assert.equal(refusedField({ source: { href: 'a' } }), 'metadata.source');
});

test('the source: what the document says, else its url, else its path', () => {
  assert.equal(fromMetadata({ source: 's', url: 'u' }).source, 's');
  assert.equal(fromMetadata({ source: '', url: 'u' }).source, 'u');
  assert.equal(fromMetadata({}).source, 'path');
  // The url stays, to be filtered by; one that is no text is an ordinary member.
  assert.deepEqual(fromMetadata({ url: 'u' }).metadata, { url: 'u' });
  const odd = fromMetadata({ url: ['u', 'v'] });
  assert.deepEqual([odd.source, odd.metadata], ['path', { url: ['u', 'v'] }]);
});

test('metadata of the run wins, the title and the dates too', () => {
  const { title, metadata } = fromMetadata(
    { title: 'A', dept: 'HR', created_at: '2020-01-01', date: '2019-01-01' },
    { title: 'B', dept: 'IT', created_at: '2024-01-01' },
  );
  assert.equal(title, 'B');
  assert.deepEqual(metadata, { dept: 'IT', created_at: '2024-01-01', date: '2019-01-01' });
});

test('the first name of a date that holds something is taken', () => {
  const dates = (metadata: JsonObject): readonly unknown[] => {
    const document = fromMetadata(metadata);
    return [document.metadata['created_at'], document.metadata['modified_at']];
  };
  assert.deepEqual(dates({ date: '2024-01-02', created: '2024-01-01', published: '2024-01-03' }), [
    '2024-01-01',
    undefined,
  ]);
  assert.deepEqual(dates({ created: '', published_at: '2024-01-03', updated: null, lastmod: '2024-01-04' }), [
    '2024-01-03',
    '2024-01-04',
  ]);
  assert.deepEqual(dates({ date: '2024-01-31 10:00:00 +0100', modified: ' 2024-02-01 10:00:00 UTC ' }), [
    '2024-01-31T10:00:00+0100',
    '2024-02-01T10:00:00Z',
  ]);
});

test('a flag that is called like a date is a flag', () => {
  // Site generators mark drafts by `published: false`.
  assert.deepEqual(fromMetadata({ published: false, updated: true }).metadata, {
    published: false,
    updated: true,
  });
  assert.equal(fromMetadata({ published: true, date: '2024-01-31' }).metadata['created_at'], '2024-01-31');
});

test('a date that cannot be read is refused, by the name it stands under', () => {
  const bad: readonly (readonly [name: string, value: JsonValue])[] = [
    ['date', '31.01.2024'],
    ['created', '2024-02-30'],
    ['published', 'yesterday'],
    ['modified', '2024-01-31T10:00:00'],
    ['modified_at', '2024-01-31 10:00'],
    ['updated', 1_706_659_200],
    ['lastmod', ['2024-01-31']],
    ['created_at', '2024-13-01'],
  ];
  for (const [name, value] of bad) {
    assert.equal(refusedField({ [name]: value }), `metadata.${name}`, name);
  }
});

test('metadata that is nested too deep is refused', () => {
  const nested = (levels: number): JsonValue => (levels === 0 ? 'x' : { a: nested(levels - 1) });
  assert.equal(refusedField({ a: nested(16) }), 'metadata');
  assert.deepEqual(fromMetadata({ a: nested(15) }).metadata, { a: nested(15) });
});

test('an input’s metadata is not changed', () => {
  const metadata = Object.freeze({ title: 'A', source: 's', date: '2024-01-31' });
  fromMetadata(metadata);
  assert.deepEqual(metadata, { title: 'A', source: 's', date: '2024-01-31' });
});
