/** In which partitions a filter looks: never too few, and not more than it has to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FILTER_FIELDS, randomFilter, randomValues } from '../../../src/conformance/filters.js';
import { compileFilter } from '../../../src/metadata/evaluate-filter.js';
import type { Fields, FieldValues, JsonObject, JsonValue, Partitions, Scalar } from '../../../src/model.js';
import { parseFilter } from '../../../src/retrieval/filter/parse.js';
import { allBuckets, bucketOf, bucketsOf } from '../../../src/stores/pgvector/partitions.js';
import { createRandom } from '../../support/random.js';
import type { Random } from '../../support/random.js';

const FIELDS = {
  dept: 'keyword',
  price: 'number',
  open: 'boolean',
  day: 'date',
  tags: 'keyword[]',
} as const satisfies Fields;

const DEPT: Partitions = { field: 'dept', count: 8, by: 'value' };
const PRICE: Partitions = { field: 'price', count: 8, by: 'value' };
const OPEN: Partitions = { field: 'open', count: 4, by: 'value' };
const MONTH: Partitions = { field: 'day', count: 12, by: 'month' };
const YEAR: Partitions = { field: 'day', count: 5, by: 'year' };

const dept = (value: Scalar): number => bucketOf({ dept: value }, DEPT);
const month = (text: string): number => bucketOf({ day: Date.parse(text) }, MONTH);
const year = (text: string): number => bucketOf({ day: Date.parse(text) }, YEAR);
const sorted = (...buckets: readonly number[]): readonly number[] =>
  [...new Set(buckets)].sort((a, b) => a - b);
const values = (partitions: Partitions): readonly number[] => allBuckets(partitions).slice(0, -1);
const select = (filter: JsonObject, partitions: Partitions): readonly number[] | null =>
  bucketsOf(parseFilter(filter, FIELDS), partitions);

describe('the partition of a document', () => {
  test('is the same in every process and version', () => {
    const values = ['Legal', 'legal', 'Sales', '', '漢字'];
    assert.deepEqual(values.map(dept), [7, 2, 2, 2, 1]);
    const prices = [7, 0.5, -3].map((price) => bucketOf({ price }, PRICE));
    assert.deepEqual(prices, [7, 1, 5]);
    assert.deepEqual(
      [true, false].map((open) => bucketOf({ open }, OPEN)),
      [1, 0],
    );
  });

  test('is its own for documents without the field', () => {
    assert.equal(bucketOf({}, DEPT), 8);
    assert.equal(bucketOf({ open: true }, MONTH), 12);
    assert.deepEqual(allBuckets(YEAR), [0, 1, 2, 3, 4, 5]);
  });

  test('does not tell zero from minus zero, which no filter does', () => {
    assert.equal(bucketOf({ price: -0 }, PRICE), bucketOf({ price: 0 }, PRICE));
  });

  test('is by the month or the year in UTC, also before 1970, and neighbours are apart', () => {
    assert.equal(month('2024-01-31T23:59:59.999Z'), month('2024-01-01'));
    assert.equal(month('2024-01-31T23:30:00-02:00'), month('2024-02-01'));
    assert.equal(month('1969-12-31T23:59:59.999Z'), month('1969-12-01'));
    assert.equal(month('2023-06-01'), month('2024-06-01'));
    const months = Array.from({ length: 12 }, (_, at) => bucketOf({ day: Date.UTC(1968, at, 15) }, MONTH));
    assert.deepEqual(sorted(...months), values(MONTH));
    const years = Array.from({ length: 5 }, (_, at) => bucketOf({ day: Date.UTC(1968 + at, 5) }, YEAR));
    assert.deepEqual(sorted(...years), values(YEAR));
    const numbers = Array.from({ length: 8 }, (_, at) => bucketOf({ price: 2019 + at }, PRICE));
    assert.deepEqual(sorted(...numbers), values(PRICE));
  });

  test('is none for a list', () => {
    assert.throws(() => bucketOf({ dept: ['a', 'b'] }, DEPT), TypeError);
  });
});

describe('the partitions of a filter', () => {
  test('are all where it does not name the field', () => {
    for (const filter of [{}, { price: 1 }, { $not: { tags: 'a' } }, { tags: { $exists: false } }]) {
      assert.equal(select(filter, DEPT), null);
    }
  });

  test('of a value are that of the value', () => {
    assert.deepEqual(select({ dept: 'Legal' }, DEPT), [dept('Legal')]);
    assert.deepEqual(select({ dept: 'Legal', price: { $gt: 3 } }, DEPT), [dept('Legal')]);
    assert.deepEqual(
      select({ dept: { $in: ['Legal', 'Sales'] } }, DEPT),
      sorted(dept('Legal'), dept('Sales')),
    );
    assert.deepEqual(select({ price: 7 }, PRICE), [bucketOf({ price: 7 }, PRICE)]);
  });

  test('of values without end are those that have values', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `d${String(at)}`);
    assert.deepEqual(select({ dept: { $in: many } }, DEPT), values(DEPT));
    assert.deepEqual(select({ price: { $gt: 3 } }, PRICE), values(PRICE));
    assert.deepEqual(select({ dept: { $exists: true } }, DEPT), values(DEPT));
  });

  test('of a missing field is that of those', () => {
    assert.deepEqual(select({ dept: { $exists: false } }, DEPT), [8]);
    assert.deepEqual(select({ dept: null }, DEPT), [8]);
    assert.deepEqual(
      select({ $or: [{ dept: 'Legal' }, { dept: null }] }, DEPT),
      sorted(dept('Legal'), DEPT.count),
    );
  });

  test('are none where nothing can match', () => {
    for (const filter of [{ dept: { $in: [] } }, { $and: [{ dept: null }, { dept: 'Legal' }] }]) {
      assert.deepEqual(select(filter, DEPT), []);
    }
    assert.deepEqual(select({ day: { $gte: '2024-02-01', $lt: '2024-02-01' } }, MONTH), []);
  });

  test('are those of both in $and, of either in $or', () => {
    const both = { $and: [{ dept: { $in: ['Legal', 'Sales', 'Ops'] } }, { dept: { $in: ['Legal', 'HR'] } }] };
    const buckets = select(both, DEPT) ?? [];
    assert.ok(buckets.includes(dept('Legal')) && buckets.length <= 2);
    assert.equal(select({ $or: [{ dept: 'Legal' }, { price: 1 }] }, DEPT), null);
  });

  test('under $not leave out only what cannot match: another value may be in the same partition', () => {
    assert.equal(select({ dept: { $ne: 'Legal' } }, DEPT), null);
    assert.equal(select({ dept: { $nin: ['Legal', 'Sales'] } }, DEPT), null);
    assert.equal(select({ $not: { dept: { $in: [] } } }, DEPT), null);
    assert.deepEqual(select({ $not: { dept: null } }, DEPT), values(DEPT));
    assert.deepEqual(select({ $not: { $not: { dept: 'Legal' } } }, DEPT), [dept('Legal')]);
    assert.deepEqual(select({ $not: { $or: [{ dept: { $ne: 'Legal' } }, { price: 1 }] } }, DEPT), [
      dept('Legal'),
    ]);
    assert.deepEqual(select({ open: { $ne: true } }, OPEN), [0, 4]);
    assert.deepEqual(select({ open: { $nin: [true, false] } }, OPEN), [4]);
  });

  test('of a bounded time are those of its months or years', () => {
    const spring = { day: { $gte: '2024-03-01', $lt: '2024-06-01' } };
    assert.deepEqual(
      select(spring, MONTH),
      sorted(month('2024-03-01'), month('2024-04-01'), month('2024-05-01')),
    );
    assert.deepEqual(select(spring, YEAR), [year('2024-03-01')]);
    const nested = { $and: [{ day: { $gt: '2024-03-10' } }, { $not: { day: { $gte: '2024-04-01' } } }] };
    assert.deepEqual(select(nested, MONTH), [month('2024-03-01')]);
    const early = { $not: { day: { $gte: '1970-01-01' } } };
    assert.deepEqual(
      select({ $and: [early, { $or: [{ day: null }, { day: { $gt: '1969-11-30T12:00:00Z' } }] }] }, MONTH),
      sorted(month('1969-11-01'), month('1969-12-01'), MONTH.count),
    );
    const [march, may] = ['2024-03-05', '2024-05-05'];
    assert.deepEqual(select({ day: { $in: [march, may] } }, MONTH), sorted(month(march), month(may)));
    const wide = { day: { $gte: '2022-01-01', $lt: '2024-01-01' } };
    assert.deepEqual(select(wide, MONTH), values(MONTH));
    assert.deepEqual(select(wide, YEAR), sorted(year('2022-01-01'), year('2023-01-01')));
    assert.deepEqual(select({ day: { $lt: '2024-01-01' } }, MONTH), values(MONTH));
    const apart = { $or: [{ day: '2024-01-15' }, { day: { $gte: '1969-12-01', $lte: '1969-12-31' } }] };
    assert.deepEqual(select(apart, MONTH), sorted(month('2024-01-01'), month('1969-12-01')));
  });
});

describe('a filter and documents at random', () => {
  const SETTINGS: readonly Partitions[] = [
    { field: 'word', count: 2, by: 'value' },
    { field: 'word', count: 7, by: 'value' },
    { field: 'o\'dd "name" \\ {%}', count: 64, by: 'value' },
    { field: 'amount', count: 5, by: 'value' },
    { field: 'flag', count: 3, by: 'value' },
    { field: 'day', count: 12, by: 'month' },
    { field: 'day', count: 2, by: 'year' },
    { field: 'day', count: 64, by: 'month' },
  ];
  const FILTERS = 4000;
  const DOCUMENTS = 150;

  for (const partitions of SETTINGS) {
    const { field, count, by } = partitions;
    test(`what matches is in a partition that is searched: ${field}, ${String(count)} by ${by}`, () => {
      const random = createRandom(20_241_231);
      const documents = Array.from({ length: DOCUMENTS }, () => drawValues(random, partitions));
      const buckets = documents.map((document) => bucketOf(document, partitions));
      let narrow = 0;
      for (let at = 0; at < FILTERS; at += 1) {
        const input = at % 2 === 0 ? randomFilter(random) : aboutField(random, partitions, 0);
        const filter = parseFilter(input, FILTER_FIELDS);
        const found = bucketsOf(filter, partitions);
        if (found === null) continue;
        narrow += 1;
        assert.deepEqual(found, sorted(...found));
        assert.ok(found.every((bucket) => bucket >= 0 && bucket <= count));
        const matches = compileFilter(filter);
        const lost = documents.filter(
          (document, index) => matches(document) && !found.includes(buckets[index] ?? -1),
        );
        assert.deepEqual(lost, [], JSON.stringify(input).slice(0, 1000));
      }
      assert.ok(narrow > FILTERS / 10, `${String(narrow)} of the filters name some partitions`);
    });
  }

  /** As everywhere, and dates that crowd around the borders of months and years. */
  function drawValues(random: Random, { field, by }: Partitions): FieldValues {
    const drawn = randomValues(random);
    return by !== 'value' && random.chance(0.7) ? { ...drawn, [field]: drawTime(random) } : drawn;
  }

  function drawTime(random: Random): number {
    const border = Date.UTC(1969 + random.int(4), random.int(12), 1);
    return border + random.pick([-86_400_000, -1, -0.5, 0, 0.5, 1, 86_400_000, 1_000_000_000]);
  }

  /** Conditions on the field itself, in each other: a date is one of those that documents have. */
  function aboutField(random: Random, partitions: Partitions, depth: number): JsonObject {
    const some = (): JsonObject[] =>
      Array.from({ length: 1 + random.int(3) }, () => aboutField(random, partitions, depth + 1));
    const kind = depth < 4 ? random.next() : 1;
    if (kind < 0.2) return { $and: some() };
    if (kind < 0.4) return { $or: some() };
    if (kind < 0.55) return { $not: aboutField(random, partitions, depth + 1) };
    if (partitions.by !== 'value' && random.chance(0.5)) return between(random, partitions);
    return { [partitions.field]: condition(random, partitions) };
  }

  function condition(random: Random, { field, by }: Partitions): JsonValue {
    const value = (): JsonValue => {
      if (by !== 'value') return new Date(drawTime(random)).toISOString();
      for (;;) {
        const drawn = randomValues(random)[field];
        if (drawn !== undefined && typeof drawn !== 'object') return drawn;
      }
    };
    const ordered = field === 'flag' ? [] : ['$gt', '$gte', '$lt', '$lte'];
    const operator = random.pick(['$eq', '$ne', '$in', '$nin', '$exists', ...ordered]);
    if (operator === '$exists') return { $exists: random.chance(0.5) };
    if (operator === '$in' || operator === '$nin') {
      return { [operator]: Array.from({ length: random.int(4) }, value) };
    }
    return { [operator]: value() };
  }

  /** A time that is bounded on both sides, in each of the ways to say so. */
  function between(random: Random, { field }: Partitions): JsonObject {
    const first = drawTime(random);
    const from = new Date(first).toISOString();
    const to = new Date(first + random.pick([0, 1, 1, 31, 70]) * 86_400_000).toISOString();
    const lower: JsonObject[] = [
      { $gte: from },
      { $gt: from },
      { $not: { $lt: from } },
      { $not: { $lte: from } },
    ];
    const upper: JsonObject[] = [{ $lte: to }, { $lt: to }, { $not: { $gt: to } }, { $not: { $gte: to } }];
    return { $and: [{ [field]: random.pick(lower) }, { [field]: random.pick(upper) }] };
  }
});
