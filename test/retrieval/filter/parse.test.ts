import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RetrievalError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import type { Fields, Filter } from '../../../src/model.js';
import { parseFilter } from '../../../src/retrieval/filter/parse.js';

const FIELDS = {
  dept: 'keyword',
  tags: 'keyword[]',
  price: 'number',
  open: 'boolean',
  day: 'date',
  'nested.key': 'number[]',
} as const satisfies Fields;

const price = { name: 'price', type: 'number' } as const;
const dept = { name: 'dept', type: 'keyword' } as const;
const SEED = 7;

/** Ordinary objects, which is what JSON is read as. */
const record = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

function refuses(input: unknown, field: string, message: RegExp, code: ErrorCode = 'invalid_filter'): void {
  assert.throws(
    () => parseFilter(input, FIELDS),
    (error: unknown) => {
      assert.ok(error instanceof RetrievalError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.field, field);
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('parseFilter reads', () => {
  const eq: Filter = { kind: 'compare', field: price, operator: 'eq', value: 3 };
  const readings: readonly (readonly [unknown, Filter])[] = [
    [{}, { kind: 'all' }],
    [{ $and: [{}, {}] }, { kind: 'all' }],
    [{ price: 3 }, eq],
    [{ price: { $eq: 3 } }, eq],
    [{ $and: [{ price: 3 }] }, eq],
    [{ price: { $ne: 3 } }, { kind: 'not', filter: eq }],
    [{ price: { $not: { $eq: 3 } } }, { kind: 'not', filter: eq }],
    [{ $not: { price: 3 } }, { kind: 'not', filter: eq }],
    [{ price: null }, { kind: 'exists', field: price, exists: false }],
    [{ price: { $ne: null } }, { kind: 'not', filter: { kind: 'exists', field: price, exists: false } }],
    [{ price: { $in: [] } }, { kind: 'in', field: price, values: [] }],
    [{ price: { $nin: [1] } }, { kind: 'not', filter: { kind: 'in', field: price, values: [1] } }],
    [{ tags: { $in: ['a'] } }, { kind: 'in', field: { name: 'tags', type: 'keyword[]' }, values: ['a'] }],
    [
      { price: 3, dept: 'x' },
      { kind: 'and', filters: [eq, { kind: 'compare', field: dept, operator: 'eq', value: 'x' }] },
    ],
    [{ $or: [{ price: 3 }, {}] }, { kind: 'or', filters: [eq, { kind: 'all' }] }],
  ];
  for (const [input, expected] of readings) {
    it(JSON.stringify(input), () => assert.deepEqual(parseFilter(input, FIELDS), expected));
  }

  const dates: readonly (readonly [string, number])[] = [
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2024-02-29T12:00Z', Date.UTC(2024, 1, 29, 12)],
    ['2024-02-29T12:00:01.5Z', Date.UTC(2024, 1, 29, 12, 0, 1, 500)],
    ['2024-02-29T12:00:00+05:30', Date.UTC(2024, 1, 29, 6, 30)],
    ['2024-02-29 12:00:00+0530', Date.UTC(2024, 1, 29, 6, 30)],
  ];
  for (const [text, value] of dates) {
    it(`the date ${text}`, () => {
      assert.deepEqual(parseFilter({ day: { $gte: text } }, FIELDS), {
        kind: 'compare',
        field: { name: 'day', type: 'date' },
        operator: 'gte',
        value,
      });
    });
  }
});

describe('parseFilter refuses', () => {
  const cases: readonly (readonly [string, unknown, string, RegExp])[] = [
    ['no object', 'dept', 'filter', /must be an object.*a string/u],
    ['null', null, 'filter', /it is null/u],
    ['a list', [{ dept: 'x' }], 'filter', /it is a list/u],
    ['what is no plain object', new Map([['dept', 'x']]), 'filter', /must be an object/u],
    ['another type', { price: '3' }, 'filter.price', /not a number, as field "price" is; it is a string/u],
    ['another type in a list', { dept: { $in: ['a', 'b', 3] } }, 'filter.dept.$in[2]', /not a keyword/u],
    ['null in a list', { dept: { $in: [null] } }, 'filter.dept.$in[0]', /\$exists/u],
    ['null in an order', { price: { $gt: null } }, 'filter.price.$gt', /\$exists/u],
    ['a bare list', { tags: ['a'] }, 'filter.tags', /\$in/u],
    ['a list for $eq', { tags: { $eq: ['a'] } }, 'filter.tags.$eq', /a list/u],
    ['no list for $in', { dept: { $in: 'a' } }, 'filter.dept.$in', /must be a list/u],
    ['an order of booleans', { open: { $gt: false } }, 'filter.open.$gt', /boolean/u],
    ['$exists of no boolean', { dept: { $exists: 1 } }, 'filter.dept.$exists', /true or false/u],
    ['an unknown operator', { dept: { $regex: 'x' } }, 'filter.dept.$regex', /\$eq, \$ne.*\$nin/u],
    ['an unknown combiner', { $nor: [{}] }, 'filter.$nor', /\$and, \$or, \$not/u],
    ['an operator without a field', { $gt: 3 }, 'filter.$gt', /"field"/u],
    ['a key that is no operator', { dept: { name: 'x' } }, 'filter.dept.name', /no operator/u],
    ['no operator', { dept: {} }, 'filter.dept', /holds no operator/u],
    ['an empty $and', { $and: [] }, 'filter.$and', /at least one/u],
    ['an empty $or', { $or: [] }, 'filter.$or', /at least one/u],
    ['$not of a list', { $not: [{}] }, 'filter.$not', /must be an object/u],
    ['a date without a calendar', { day: '2023-02-29' }, 'filter.day', /2024-01-31/u],
    ['a time without an offset', { day: '2024-01-31T12:00:00' }, 'filter.day', /offset/u],
    ['a number for a date', { day: 1 }, 'filter.day', /not a date/u],
    ['no finite number', { price: NaN }, 'filter.price', /not a number/u],
    ['NUL', { dept: 'a\0' }, 'filter.dept', /NUL/u],
    ['half a pair', { dept: '\ud800' }, 'filter.dept', /surrogate/u],
    ['too long a keyword', { dept: 'x'.repeat(8001) }, 'filter.dept', /8000/u],
    [
      'a nested error, with its path',
      { $or: [{}, { $not: { price: 'x' } }] },
      'filter.$or[1].$not.price',
      /number/u,
    ],
  ];
  for (const [name, input, field, message] of cases) it(name, () => refuses(input, field, message));

  it('an unknown field, naming the known ones', () => {
    refuses(
      { colour: 'red' },
      'filter.colour',
      /day, dept, nested\.key, open, price, tags/u,
      'unknown_field',
    );
    refuses({ $or: [{ 'nested.other': 1 }] }, 'filter.$or[0].nested.other', /Known/u, 'unknown_field');
    assert.throws(
      () => parseFilter({ colour: 'red' }, FIELDS),
      (error: unknown) => {
        assert.ok(error instanceof RetrievalError);
        assert.deepEqual(error.details['known'], Object.keys(FIELDS).toSorted());
        return true;
      },
    );
  });

  it("names that objects have of themselves, without touching any object's prototype", () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      refuses(JSON.parse(`{"${name}": {"$eq": 1}}`), `filter.${name}`, /no such field/u, 'unknown_field');
      refuses(JSON.parse(`{"price": {"${name}": 1}}`), `filter.price.${name}`, /no operator/u);
    }
    assert.equal(({} as Record<string, unknown>)['$eq'], undefined);
  });

  it('what is deeper than 32', () => {
    const nest = (depth: number): unknown =>
      Array.from({ length: depth - 1 }).reduce<unknown>((inner) => ({ $not: inner }), { price: 1 });
    parseFilter(nest(32), FIELDS);
    refuses(nest(33), `filter${'.$not'.repeat(32)}`, /deeper than 32/u);
    assert.throws(() => parseFilter(nest(200_000), FIELDS), { code: 'invalid_filter' });
    const inField = Array.from({ length: 40 }).reduce<unknown>((inner) => ({ $not: inner }), { $eq: 1 });
    assert.throws(() => parseFilter({ price: inField }, FIELDS), { code: 'invalid_filter' });
  });

  it('what is longer than the limits', () => {
    const list = (length: number): number[] => Array.from({ length }, (_, index) => index);
    parseFilter({ price: { $in: list(10_000) } }, FIELDS);
    refuses({ price: { $in: list(10_001) } }, 'filter.price.$in', /10000/u);
    refuses({ $or: list(10_001).map(() => ({})) }, 'filter.$or', /10000/u);
    const big = { dept: { $in: Array.from({ length: 140 }, () => 'x'.repeat(8000)) } };
    assert.throws(() => parseFilter(big, FIELDS), { code: 'invalid_filter', message: /too large/u });
    const empties = { $or: list(10).map(() => ({ $or: list(10_000).map(() => ({})) })) };
    assert.throws(() => parseFilter(empties, FIELDS), { code: 'invalid_filter', message: /too large/u });
  });

  it('a name of a megabyte, without repeating it', () => {
    for (const name of ['x'.repeat(1_000_000), `$${'x'.repeat(1_000_000)}`]) {
      assert.throws(
        () => parseFilter({ [name]: 1 }, FIELDS),
        (error: unknown) => error instanceof RetrievalError && error.message.length < 1000,
      );
    }
  });
});

describe('parseFilter on anything', () => {
  const keys = fc.constantFrom(
    ...Object.keys(FIELDS),
    ...['$and', '$or', '$not', '$eq', '$ne', '$gt', '$in', '$nin', '$exists', '$where', '__proto__', ''],
  );
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 6, depthSize: 'medium' },
      fc.oneof(fc.jsonValue(), fc.constantFrom('2024-01-01', '\ud800', NaN, -0, undefined, 8n)),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(keys, tie('json'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));

  it('answers a filter or a RetrievalError, and leaves its input as it was', () => {
    fc.assert(
      fc.property(json, (input) => {
        const before = structuredClone(input);
        try {
          parseFilter(input, FIELDS);
        } catch (error) {
          assert.ok(error instanceof RetrievalError, String(error));
          assert.ok(error.code === 'invalid_filter' || error.code === 'unknown_field');
          assert.ok(error.field?.startsWith('filter') === true && error.message.includes(error.field));
        }
        assert.deepEqual(input, before);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  it('reads a filter written out from its parsed form as the same filter', () => {
    const leaf: fc.Arbitrary<Filter> = fc.oneof(
      record({
        kind: fc.constant('compare' as const),
        field: fc.constant(price),
        operator: fc.constantFrom('eq', 'gt', 'gte', 'lt', 'lte'),
        value: fc.integer(),
      }),
      record({
        kind: fc.constant('in' as const),
        field: fc.constant(dept),
        values: fc.array(fc.constantFrom('', 'a', "it's", '😀'), { maxLength: 3 }),
      }),
      record({ kind: fc.constant('exists' as const), field: fc.constant(dept), exists: fc.boolean() }),
    );
    const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 5, depthSize: 'medium' },
        leaf,
        record({ kind: fc.constant('not' as const), filter: tie('filter') }),
        record({
          kind: fc.constantFrom('and' as const, 'or' as const),
          filters: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
        }),
      ),
    }));
    fc.assert(
      fc.property(filter, (given) => assert.deepEqual(parseFilter(written(given), FIELDS), given)),
      { seed: SEED, numRuns: 1000 },
    );
  });
});

function written(filter: Filter): Record<string, unknown> {
  switch (filter.kind) {
    case 'all':
      return {};
    case 'none':
      return { $not: {} };
    case 'and':
    case 'or':
      return { [`$${filter.kind}`]: filter.filters.map(written) };
    case 'not':
      return { $not: written(filter.filter) };
    case 'compare':
      return { [filter.field.name]: { [`$${filter.operator}`]: filter.value } };
    case 'in':
      return { [filter.field.name]: { $in: filter.values } };
    case 'exists':
      return { [filter.field.name]: { $exists: filter.exists } };
    default:
      return filter satisfies never;
  }
}
