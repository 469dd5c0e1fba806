import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RetrievalError } from '../../src/errors.js';
import type { ErrorCode } from '../../src/errors.js';
import { SYSTEM_FIELDS } from '../../src/metadata/fields.js';
import { readMetadata } from '../../src/metadata/read-metadata.js';
import type { ReadMetadata } from '../../src/metadata/read-metadata.js';
import type { Document, Fields, JsonObject } from '../../src/model.js';

const DECLARED = {
  dept: 'keyword',
  tags: 'keyword[]',
  price: 'number',
  open: 'boolean',
  day: 'date',
  days: 'date[]',
  'a.b': 'number',
} as const satisfies Fields;

function read(
  metadata: JsonObject,
  options: { fields?: Fields; extra?: Partial<Document> } = {},
): ReadMetadata {
  const document: Document = {
    id: 'd',
    title: null,
    source: null,
    text: '',
    blocks: [],
    metadata,
    ...options.extra,
  };
  const { fields } = options;
  return readMetadata(
    document,
    fields === undefined
      ? { fieldMode: 'inferred', fields: SYSTEM_FIELDS }
      : { fieldMode: 'declared', fields: { ...fields, ...SYSTEM_FIELDS } },
  );
}

function refuses(metadata: JsonObject, code: ErrorCode, field: string, fields?: Fields): void {
  assert.throws(
    () => read(metadata, fields === undefined ? {} : { fields }),
    (error: unknown) => {
      assert.ok(error instanceof RetrievalError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.field, field);
      return true;
    },
  );
}

describe('readMetadata with declared fields', () => {
  it('types what is declared and keeps the rest', () => {
    const metadata = {
      dept: 'Legal',
      tags: ['a', ''],
      price: 0,
      open: false,
      day: '2024-02-29',
      days: '2024-02-29T01:00:00+01:00',
      a: { b: 2, c: 3 },
      other: { anything: [1, 'x', null, [{}]] },
      none: null,
    };
    const { values, newFields, metadata: kept } = read(metadata, { fields: DECLARED });
    assert.deepEqual(values, {
      dept: 'Legal',
      tags: ['a', ''],
      price: 0,
      open: false,
      day: Date.UTC(2024, 1, 29),
      days: [Date.UTC(2024, 1, 29)],
      'a.b': 2,
    });
    assert.deepEqual(newFields, {});
    assert.deepEqual(kept, metadata);
  });

  it('takes null and an empty list for absent', () => {
    assert.deepEqual(read({ dept: null, tags: [], days: null }, { fields: DECLARED }).values, {});
  });

  it('reads a dotted name as a path', () => {
    assert.deepEqual(read({ 'a.b': 2 }, { fields: DECLARED }).values, { 'a.b': 2 });
  });

  it('keeps minus zero as zero', () => {
    assert.ok(Object.is(read({ price: -0 }, { fields: DECLARED }).values['price'], 0));
  });

  const conflicts: readonly (readonly [string, JsonObject, string])[] = [
    ['a number for a keyword', { dept: 3 }, 'metadata.dept'],
    ['a text for a number', { price: '3' }, 'metadata.price'],
    ['a text for a boolean', { open: 'true' }, 'metadata.open'],
    ['a list for a scalar', { dept: ['a'] }, 'metadata.dept'],
    ['an object for a scalar', { dept: { name: 'x' } }, 'metadata.dept'],
    ['a mixed list', { tags: ['a', 1] }, 'metadata.tags'],
    ['a list with null', { tags: ['a', null] }, 'metadata.tags'],
    ['a list of lists', { tags: [['a']] }, 'metadata.tags'],
    ['a list of objects', { tags: [{ name: 'x' }] }, 'metadata.tags'],
    ['a field inside a list of objects', { a: [{ b: 1 }] }, 'metadata.a.b'],
    ['a field inside lists of lists', { a: [[{ b: 1 }]] }, 'metadata.a.b'],
    ['too long a keyword', { dept: 'x'.repeat(8001) }, 'metadata.dept'],
    ['a day of no calendar', { day: '2023-02-29' }, 'metadata.day'],
    ['a time without an offset', { day: '2024-01-31T12:00:00' }, 'metadata.day'],
    ['a number for a date', { day: 1_700_000_000 }, 'metadata.day'],
  ];
  for (const [name, metadata, field] of conflicts) {
    it(`refuses ${name}: no filter could see it`, () =>
      refuses(metadata, 'field_type_conflict', field, DECLARED));
  }

  it('refuses a field given twice', () => {
    refuses({ 'a.b': 1, a: { b: 2 } }, 'invalid_metadata', 'metadata.a.b', DECLARED);
  });
});

describe('readMetadata with inferred fields', () => {
  it('makes fields of scalars and of lists of one type', () => {
    const { newFields, values } = read({
      s: 'x',
      n: 1.5,
      b: false,
      l: ['x', 'y'],
      deep: { er: [true] },
      date: '2024-01-01',
    });
    assert.deepEqual(newFields, {
      s: 'keyword',
      n: 'number',
      b: 'boolean',
      l: 'keyword[]',
      'deep.er': 'boolean[]',
      date: 'keyword',
    });
    assert.deepEqual(values, {
      s: 'x',
      n: 1.5,
      b: false,
      l: ['x', 'y'],
      'deep.er': [true],
      date: '2024-01-01',
    });
  });

  it('makes none of what a filter could not see, and keeps it', () => {
    const metadata = { mixed: [1, 'x'], empty: [], none: null, objects: [{ a: 1 }], prose: 'x'.repeat(8001) };
    const { newFields, values, metadata: kept } = read(metadata);
    assert.deepEqual([newFields, values, kept], [{}, {}, metadata]);
  });

  it('knows title, source and dates without being told', () => {
    const extra = { title: 'T', source: 'file:///t.md' };
    const { newFields, values, metadata } = read({ created_at: '2024-01-01' }, { extra });
    assert.deepEqual(newFields, {});
    assert.deepEqual(values, { ...extra, created_at: Date.UTC(2024, 0, 1) });
    assert.deepEqual(metadata, { ...extra, created_at: '2024-01-01' });
  });

  it('leaves a title too long to filter by out of the values; it is not shortened', () => {
    const { values, metadata } = read({}, { extra: { title: 'x'.repeat(8001) } });
    assert.deepEqual([values, metadata], [{}, {}]);
  });

  const invalid: readonly (readonly [string, JsonObject, string])[] = [
    ['NUL', { a: { b: 'x\0' } }, 'metadata.a.b'],
    ['half a pair', { a: ['\ud800'] }, 'metadata.a'],
    ['half a pair inside a list of objects', { a: [{ b: '\udc00' }] }, 'metadata.a.b'],
    ['NUL in a key', { 'a\0': 1 }, 'metadata'],
    ['an operator for a name', { $gt: 1 }, 'metadata.$gt'],
    ['an empty name', { '': 1 }, 'metadata'],
    ['no finite number', { a: Infinity }, 'metadata.a'],
    ["the prototype's name", JSON.parse('{"__proto__": {"x": 1}}') as JsonObject, 'metadata'],
    ['too much', { a: Array.from({ length: 40 }, () => 'x'.repeat(8000)) }, 'metadata'],
    [
      'too many fields',
      Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`f${String(at)}`, at])),
      'metadata',
    ],
  ];
  for (const [name, metadata, field] of invalid) {
    it(`refuses ${name}`, () => refuses(metadata, 'invalid_metadata', field));
  }

  it('refuses what is nested too deep, however deep', () => {
    for (const [open, close] of [
      ['{"a":', '}'],
      ['[', ']'],
    ] as const) {
      const deep = (depth: number): JsonObject =>
        JSON.parse(`{"a":${open.repeat(depth)}1${close.repeat(depth)}}`) as JsonObject;
      read(deep(15));
      for (const depth of [16, 5000]) {
        assert.throws(() => read(deep(depth)), { code: 'invalid_metadata' });
      }
    }
  });

  it('answers or throws a RetrievalError on any JSON, and what it answers can be read again', () => {
    const object = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(object, (given) => {
        try {
          const metadata = given as JsonObject;
          const first = read(metadata);
          assert.deepEqual(first.metadata, metadata);
          const again = read(metadata, { fields: first.newFields });
          assert.deepEqual(again.values, first.values);
        } catch (error) {
          assert.ok(error instanceof RetrievalError, String(error));
        }
      }),
      { seed: 5, numRuns: 3000 },
    );
  });
});
