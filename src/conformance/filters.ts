/**
 * Random documents' values, and random filters as users write them. Values and operands come from
 * the same small pools of odd ones, so that filters hit, and hit the borders.
 */
import type { Fields, FieldValues, JsonObject, JsonValue, Scalar, ScalarType } from '../model.js';
import { isListType, scalarTypeOf, toScalar } from '../metadata/values.js';
import type { Random } from './random.js';

/** Every type, and names that would break out of careless SQL or JSON paths. */
export const FILTER_FIELDS = {
  word: 'keyword',
  'nested.words': 'keyword[]',
  'o\'dd "name" \\ {%}': 'keyword',
  amount: 'number',
  'amounts[0]': 'number[]',
  flag: 'boolean',
  flags: 'boolean[]',
  day: 'date',
  'dáys 漢字': 'date[]',
} as const satisfies Fields;

const POOLS: Readonly<Record<ScalarType, readonly JsonValue[]>> = {
  keyword: [
    '',
    ' ',
    'a',
    'A',
    'b',
    'ab',
    'a b',
    "it's",
    '"quoted"',
    'back\\slash',
    '\\',
    '\\u0041',
    '%',
    '_',
    '$1',
    '{a,b}',
    'null',
    'true',
    '0',
    '10',
    '9',
    'é',
    'e\u0301',
    'ß',
    'ss',
    'İ',
    'line\nbreak\ttab',
    '\u0001',
    '\u007f',
    '\u{e000}',
    '\uffee',
    '\uffff',
    '\u{10000}',
    '😀',
    '👩‍👩‍👧',
    '\u{10ffff}',
    '漢字',
    'شكرا',
    'x'.repeat(8000),
    `${'x'.repeat(7999)}y`,
    '😀'.repeat(4000),
  ],
  number: [
    0,
    -0,
    1,
    -1,
    2,
    10,
    0.1,
    0.2,
    0.30000000000000004,
    0.3,
    1 / 3,
    -7.5,
    1e21,
    1e300,
    -1e300,
    1.7976931348623157e308,
    5e-324,
    2.2250738585072014e-308,
    9007199254740991,
    9007199254740992,
    2147483648,
  ],
  boolean: [true, false],
  date: [
    '1970-01-01',
    '1969-12-31T23:59:59.999Z',
    '2024-02-29',
    '2024-02-29T00:00:00.001Z',
    '2024-02-29T12:30:00+05:30',
    '2024-03-01',
    '0001-01-01',
    '9999-12-31T23:59:59.999Z',
  ],
};

const NAMES = Object.keys(FILTER_FIELDS) as (keyof typeof FILTER_FIELDS)[];

/** Each field is there three times out of four; some documents have none. */
export function randomValues(random: Random): FieldValues {
  if (random.chance(0.05)) return {};
  const values: Record<string, Scalar | readonly Scalar[]> = {};
  for (const name of NAMES) {
    if (!random.chance(0.75)) continue;
    const type = FILTER_FIELDS[name];
    const one = (): Scalar => typed(random.pick(POOLS[scalarTypeOf(type)]), scalarTypeOf(type));
    values[name] = isListType(type) ? Array.from({ length: 1 + random.int(4) }, one) : one();
  }
  return values;
}

export function randomFilter(random: Random, depth = 0): JsonObject {
  const keys = depth === 0 && random.chance(0.3) ? 2 : 1;
  const filter: Record<string, JsonValue> = {};
  for (let key = 0; key < keys; key += 1) {
    const kind = depth < 4 ? random.next() : 0;
    const some = (): JsonValue[] =>
      Array.from({ length: 1 + random.int(3) }, () => randomFilter(random, depth + 1));
    if (kind < 0.55) {
      const name = random.pick(NAMES);
      filter[name] = randomCondition(random, scalarTypeOf(FILTER_FIELDS[name]), 0);
    } else if (kind < 0.7) filter['$and'] = some();
    else if (kind < 0.85) filter['$or'] = some();
    else if (kind < 0.97) filter['$not'] = randomFilter(random, depth + 1);
    else if (depth > 0) return {};
  }
  return filter;
}

function randomCondition(random: Random, type: ScalarType, depth: number): JsonValue {
  const one = (): JsonValue => random.pick(POOLS[type]);
  if (depth === 0 && random.chance(0.15)) return random.chance(0.1) ? null : one();
  const condition: Record<string, JsonValue> = {};
  const count = random.chance(0.2) ? 2 : 1;
  const ordered = type === 'boolean' ? [] : ['$gt', '$gte', '$lt', '$lte'];
  for (let index = 0; index < count; index += 1) {
    const operator = random.pick(['$eq', '$ne', '$in', '$nin', '$exists', '$not', ...ordered, ...ordered]);
    switch (operator) {
      case '$eq':
      case '$ne':
        condition[operator] = random.chance(0.1) ? null : one();
        break;
      case '$in':
      case '$nin':
        condition[operator] = Array.from({ length: random.int(5) }, one);
        break;
      case '$exists':
        condition[operator] = random.chance(0.5);
        break;
      case '$not':
        if (depth < 2) condition[operator] = asObject(randomCondition(random, type, depth + 1));
        else condition['$eq'] = one();
        break;
      default:
        condition[operator] = one();
    }
  }
  return condition;
}

function asObject(condition: JsonValue): JsonValue {
  return typeof condition === 'object' && condition !== null ? condition : { $eq: condition };
}

function typed(value: JsonValue, type: ScalarType): Scalar {
  const scalar = toScalar(value, type);
  if (scalar === null) throw new Error(`A pool of ${type} holds another value`);
  return scalar;
}
