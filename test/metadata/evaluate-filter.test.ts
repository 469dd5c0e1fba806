/** The reference itself, held to a table written by hand and to a reading of the raw JSON. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareCodePoints } from '../../src/metadata/compare-code-points.js';
import { parseDate, scalarTypeOf } from '../../src/metadata/values.js';
import type { Fields, FieldValues, JsonObject, JsonValue } from '../../src/model.js';
import { parseFilter } from '../../src/retrieval/filter/parse.js';
import { compileFilter } from '../../src/metadata/evaluate-filter.js';
import { FILTER_FIELDS, randomFilter, randomValues } from '../support/filters.js';
import { createRandom } from '../support/random.js';

const FIELDS = {
  a: 'number',
  s: 'keyword',
  l: 'keyword[]',
  b: 'boolean',
  d: 'date',
} as const satisfies Fields;
const JUNE = Date.UTC(2024, 5, 1);

/** Filter, values it matches, values it does not. */
const TABLE: readonly (readonly [JsonObject, readonly FieldValues[], readonly FieldValues[]])[] = [
  [{}, [{}, { a: 0 }], []],
  [{ a: 0 }, [{ a: 0 }], [{}, { a: 1 }]],
  [{ a: -0 }, [{ a: 0 }], [{ a: 1 }]],
  [{ a: { $ne: 0 } }, [{}, { a: 1 }], [{ a: 0 }]],
  [{ a: { $gt: 0 } }, [{ a: 5e-324 }], [{}, { a: 0 }, { a: -1 }]],
  [{ a: { $gte: 0, $lt: 2 } }, [{ a: 0 }, { a: 1.99 }], [{}, { a: 2 }]],
  [{ $not: { a: { $gt: 0 } } }, [{}, { a: 0 }], [{ a: 1 }]],
  [{ a: { $not: { $gt: 0 } } }, [{}, { a: 0 }], [{ a: 1 }]],
  [{ a: null }, [{}], [{ a: 0 }]],
  [{ a: { $ne: null } }, [{ a: 0 }], [{}]],
  [{ a: { $exists: true } }, [{ a: 0 }], [{}]],
  [{ a: { $exists: false } }, [{}], [{ a: 0 }]],
  [{ b: { $exists: true } }, [{ b: false }], [{}]],
  [{ a: { $in: [] } }, [], [{}, { a: 0 }]],
  [{ a: { $nin: [] } }, [{}, { a: 0 }], []],
  [{ a: { $in: [0, 2] } }, [{ a: 0 }, { a: 2 }], [{}, { a: 1 }]],
  [{ a: { $nin: [0, 2] } }, [{}, { a: 1 }], [{ a: 0 }]],
  [{ b: false }, [{ b: false }], [{}, { b: true }]],
  [{ b: { $ne: false } }, [{}, { b: true }], [{ b: false }]],
  [{ s: '' }, [{ s: '' }], [{}, { s: ' ' }]],
  [{ s: { $gt: '\uffee' } }, [{ s: '😀' }, { s: '\uffff' }], [{}, { s: '\uffee' }, { s: 'z' }]],
  [{ s: { $lt: 'a' } }, [{ s: '' }, { s: 'Z' }], [{}, { s: 'a' }]],
  [{ l: 'x' }, [{ l: ['x'] }, { l: ['y', 'x'] }], [{}, { l: ['y'] }]],
  [{ l: { $ne: 'x' } }, [{}, { l: ['y'] }], [{ l: ['y', 'x'] }]],
  [{ l: { $in: ['x', 'z'] } }, [{ l: ['y', 'z'] }], [{}, { l: ['y'] }]],
  [{ l: { $nin: ['x', 'z'] } }, [{}, { l: ['y'] }], [{ l: ['y', 'z'] }]],
  [{ l: { $gt: 'b', $lt: 'b' } }, [{ l: ['a', 'c'] }], [{ l: ['b'] }, { l: ['c'] }]],
  [{ d: '2024-06-01' }, [{ d: JUNE }], [{}, { d: JUNE + 1 }]],
  [{ d: { $lt: '2024-06-01T02:00:00+02:00' } }, [{ d: JUNE - 1 }], [{}, { d: JUNE }]],
  [{ a: 1, s: 'x' }, [{ a: 1, s: 'x' }], [{ a: 1 }, { s: 'x' }]],
  [{ $or: [{ a: 1 }, { s: 'x' }] }, [{ a: 1 }, { s: 'x' }], [{}, { a: 2, s: 'y' }]],
  [{ $and: [{ $or: [{ a: 1 }, { a: 2 }] }, { $not: { a: 2 } }] }, [{ a: 1 }], [{ a: 2 }, {}]],
];

describe('what filters mean', () => {
  for (const [input, yes, no] of TABLE) {
    it(JSON.stringify(input), () => {
      const matches = compileFilter(parseFilter(input, FIELDS));
      for (const values of yes) assert.equal(matches(values), true, JSON.stringify(values));
      for (const values of no) assert.equal(matches(values), false, JSON.stringify(values));
    });
  }

  it('a list that holds too much does not hide what it does not hold', () => {
    const values = Array.from({ length: 10_000 }, (_, index) => index);
    const matches = compileFilter(parseFilter({ a: { $in: values } }, FIELDS));
    assert.ok(matches({ a: 9999 }) && !matches({ a: 10_000 }));
  });

  it('equals a plain reading of the JSON, on 2,000 random filters and 50 documents each', () => {
    const random = createRandom(4);
    const documents = Array.from({ length: 50 }, () => randomValues(random));
    for (let round = 0; round < 2000; round += 1) {
      const input = randomFilter(random);
      const matches = compileFilter(parseFilter(input, FILTER_FIELDS));
      for (const values of documents) {
        assert.equal(matches(values), reads(input, values), JSON.stringify(input).slice(0, 1000));
      }
    }
  });
});

/** The design's table of operators, read straight from the JSON. */
function reads(filter: JsonValue, values: FieldValues): boolean {
  return Object.entries(filter as JsonObject).every(([key, value]) => {
    const parts = value as readonly JsonValue[];
    if (key === '$and') return parts.every((part) => reads(part, values));
    if (key === '$or') return parts.some((part) => reads(part, values));
    if (key === '$not') return !reads(value, values);
    return holds(key, value, values);
  });
}

function holds(name: string, condition: JsonValue, values: FieldValues): boolean {
  if (typeof condition !== 'object' || condition === null) return holds(name, { $eq: condition }, values);
  const held = [values[name] ?? []].flat();
  const type = scalarTypeOf(FILTER_FIELDS[name as keyof typeof FILTER_FIELDS]);
  const any = (operand: JsonValue, test: (order: number) => boolean): boolean => {
    const wanted = type === 'date' ? parseDate(operand as string) : operand;
    return held.some((value) =>
      test(
        typeof value === 'string'
          ? compareCodePoints(value, wanted as string)
          : Number(value) - Number(wanted),
      ),
    );
  };
  const equal = (operand: JsonValue): boolean =>
    operand === null ? held.length === 0 : any(operand, (order) => order === 0);
  return Object.entries(condition as JsonObject).every(([operator, operand]) => {
    switch (operator) {
      case '$eq':
        return equal(operand);
      case '$ne':
        return !equal(operand);
      case '$in':
        return (operand as readonly JsonValue[]).some(equal);
      case '$nin':
        return !(operand as readonly JsonValue[]).some(equal);
      case '$exists':
        return held.length > 0 === operand;
      case '$not':
        return !holds(name, operand, values);
      case '$gt':
        return any(operand, (order) => order > 0);
      case '$gte':
        return any(operand, (order) => order >= 0);
      case '$lt':
        return any(operand, (order) => order < 0);
      case '$lte':
        return any(operand, (order) => order <= 0);
      default:
        return assert.fail(operator);
    }
  });
}
