import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RetrievalError } from '../../src/errors.js';
import { toRetrievalFilter } from '../../src/knowledge-base/filter.js';
import type { Translated } from '../../src/knowledge-base/filter.js';
import { toScalar } from '../../src/metadata/values.js';
import type { FieldValues, JsonObject, JsonValue, Scalar } from '../../src/model.js';
import { parseFilter } from '../../src/retrieval/filter/parse.js';
import { compileFilter } from '../../src/metadata/evaluate-filter.js';
import { matches } from '../bedrock/retrieval-filter.js';
import type { Metadata } from '../bedrock/retrieval-filter.js';
import { createRandom } from '../support/random.js';
import type { Random } from '../support/random.js';

const FIELDS = {
  dept: 'keyword',
  tags: 'keyword[]',
  version: 'number',
  draft: 'boolean',
  day: 'date',
} as const;

function translate(filter: JsonObject): Translated {
  return toRetrievalFilter(parseFilter(filter, FIELDS), 'seconds');
}

function isOf(filter: JsonObject): unknown {
  const translated = translate(filter);
  return translated.kind === 'filter' ? translated.filter : translated.kind;
}

describe('a filter in the language of Knowledge Bases', () => {
  const cases: readonly (readonly [JsonObject, unknown])[] = [
    [{}, 'all'],
    [{ dept: 'HR' }, { equals: { key: 'dept', value: 'HR' } }],
    [{ dept: { $ne: 'HR' } }, { notEquals: { key: 'dept', value: 'HR' } }],
    [{ dept: { $in: ['HR', 'IT'] } }, { in: { key: 'dept', value: ['HR', 'IT'] } }],
    [{ dept: { $in: ['HR'] } }, { equals: { key: 'dept', value: 'HR' } }],
    [{ dept: { $in: [] } }, 'none'],
    [{ dept: { $nin: [] } }, 'all'],
    [
      { dept: { $nin: ['HR', 'IT'] } },
      { andAll: [{ notEquals: { key: 'dept', value: 'HR' } }, { notEquals: { key: 'dept', value: 'IT' } }] },
    ],
    [
      { version: { $in: [1, 2] } },
      { orAll: [{ equals: { key: 'version', value: 1 } }, { equals: { key: 'version', value: 2 } }] },
    ],
    [{ tags: 'a' }, { listContains: { key: 'tags', value: 'a' } }],
    [
      { tags: { $in: ['a', 'b'] } },
      {
        orAll: [{ listContains: { key: 'tags', value: 'a' } }, { listContains: { key: 'tags', value: 'b' } }],
      },
    ],
    [{ day: { $gte: '1970-01-02' } }, { greaterThanOrEquals: { key: 'day', value: 86_400 } }],
    [
      { version: { $gt: 1, $lte: 3 } },
      {
        andAll: [
          { greaterThan: { key: 'version', value: 1 } },
          { lessThanOrEquals: { key: 'version', value: 3 } },
        ],
      },
    ],
    [{ $and: [{ $or: [{ draft: true }] }] }, { equals: { key: 'draft', value: true } }],
    [
      { $not: { $or: [{ dept: 'HR' }, { draft: { $ne: true } }] } },
      { andAll: [{ notEquals: { key: 'dept', value: 'HR' } }, { equals: { key: 'draft', value: true } }] },
    ],
    [
      { $not: { dept: 'HR', version: 1 } },
      { orAll: [{ notEquals: { key: 'dept', value: 'HR' } }, { notEquals: { key: 'version', value: 1 } }] },
    ],
    [{ $or: [{ dept: 'HR' }, {}] }, 'all'],
    [{ $and: [{ dept: 'HR' }, { $not: {} }] }, 'none'],
    [
      { $and: [{ dept: 'HR' }, { $and: [{ version: 1 }, { draft: true }] }] },
      {
        andAll: [
          { equals: { key: 'dept', value: 'HR' } },
          { equals: { key: 'version', value: 1 } },
          { equals: { key: 'draft', value: true } },
        ],
      },
    ],
  ];
  for (const [filter, expected] of cases) {
    test(JSON.stringify(filter), () => {
      assert.deepEqual(isOf(filter), expected);
    });
  }

  const refusals: readonly (readonly [JsonObject, string, string])[] = [
    [{ dept: { $exists: true } }, '$exists', 'dept'],
    [{ dept: null }, '$exists', 'dept'],
    [{ $or: [{ dept: 'HR' }, { version: { $exists: false } }] }, '$exists', 'version'],
    // Where the rest decides already, it is refused all the same.
    [{ $and: [{ dept: { $in: [] } }, { version: { $exists: true } }] }, '$exists', 'version'],
    [{ dept: { $gt: 'A' } }, '$gt', 'dept'],
    [{ tags: { $lte: 'A' } }, '$lte', 'tags'],
    [{ tags: { $ne: 'a' } }, '$ne', 'tags'],
    [{ tags: { $nin: ['a', 'b'] } }, '$nin', 'tags'],
    [{ version: { $not: { $gt: 1 } } }, '$not around $gt', 'version'],
    [{ $not: { day: { $lt: '2024-01-01' } } }, '$not around $lt', 'day'],
  ];
  for (const [filter, operator, field] of refusals) {
    test(`refused: ${JSON.stringify(filter)}`, () => {
      assert.throws(
        () => translate(filter),
        (error) =>
          error instanceof RetrievalError &&
          error.code === 'invalid_filter' &&
          error.field === `filter.${field}` &&
          error.message.includes(operator) &&
          error.details['operator'] === operator,
      );
    });
  }
});

const POOLS = {
  dept: ['HR', 'hr', '', 'IT', 'Legal', "it's", '漢字', '😀'],
  tags: ['a', 'b', 'A', '', 'ab'],
  version: [0, 1, 2, -1.5, 10, 1e21, 0.1],
  draft: [true, false],
  day: ['1969-12-31T23:59:59.999Z', '1970-01-01', '2024-02-29', '2024-02-29T12:30:00.5Z', '2024-03-01'],
} as const satisfies Record<keyof typeof FIELDS, readonly JsonValue[]>;
const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

/** The same document as our stores hold it, and as a knowledge base's metadata. */
function randomDocument(random: Random): { readonly values: FieldValues; readonly metadata: Metadata } {
  const values: Record<string, Scalar | readonly Scalar[]> = {};
  const metadata: Record<string, Metadata[string]> = {};
  for (const name of NAMES) {
    if (random.chance(0.3)) continue;
    if (name === 'tags') {
      const list = Array.from({ length: 1 + random.int(3) }, () => random.pick(POOLS.tags));
      values[name] = list;
      metadata[name] = list;
      continue;
    }
    const value = toScalar(random.pick<JsonValue>(POOLS[name]), FIELDS[name]);
    if (value === null) throw new Error(`A pool of ${name} holds another value`);
    values[name] = value;
    metadata[name] = name === 'day' ? Number(value) / 1000 : value;
  }
  return { values, metadata };
}

function randomFilter(random: Random, depth = 0): JsonObject {
  const kind = depth < 4 ? random.next() : 0;
  const some = (): JsonValue[] =>
    Array.from({ length: 1 + random.int(3) }, () => randomFilter(random, depth + 1));
  if (kind < 0.5) {
    const filter: Record<string, JsonValue> = {};
    for (let count = random.chance(0.3) ? 2 : 1; count > 0; count -= 1) {
      const name = random.pick(NAMES);
      filter[name] = randomCondition(random, name);
    }
    return filter;
  }
  if (kind < 0.65) return { $and: some() };
  if (kind < 0.8) return { $or: some() };
  if (kind < 0.97) return { $not: randomFilter(random, depth + 1) };
  return {};
}

function randomCondition(random: Random, name: keyof typeof FIELDS): JsonValue {
  const one = (): JsonValue => random.pick<JsonValue>(POOLS[name]);
  const many = (): JsonValue[] => Array.from({ length: random.int(4) }, one);
  const ordered = name === 'version' || name === 'day' ? ['$gt', '$gte', '$lt', '$lte'] : [];
  const negative = name === 'tags' && random.chance(0.9) ? [] : ['$ne', '$nin'];
  const operator = random.pick([
    '$eq',
    '$in',
    ...negative,
    ...ordered,
    ...(random.chance(0.03) ? ['$exists'] : []),
  ]);
  if (operator === '$exists') return { $exists: random.chance(0.5) };
  return { [operator]: operator === '$in' || operator === '$nin' ? many() : one() };
}

test('a translated filter never lies: random filters and documents, against the reference', () => {
  const random = createRandom(20_260_101);
  const documents = Array.from({ length: 80 }, () => randomDocument(random));
  const counts = { filter: 0, all: 0, none: 0, refused: 0, partly: 0 };
  for (let round = 0; round < 3000; round += 1) {
    const written = randomFilter(random);
    const parsed = parseFilter(written, FIELDS);
    let translated: Translated;
    try {
      translated = toRetrievalFilter(parsed, 'seconds');
    } catch (error) {
      assert.ok(error instanceof RetrievalError && error.code === 'invalid_filter');
      counts.refused += 1;
      continue;
    }
    counts[translated.kind] += 1;
    const reference = compileFilter(parsed);
    let found = 0;
    for (const { values, metadata } of documents) {
      const actual =
        translated.kind === 'filter' ? matches(translated.filter, metadata) : translated.kind === 'all';
      assert.equal(actual, reference(values), JSON.stringify({ written, translated, metadata }));
      if (actual) found += 1;
    }
    if (found > 0 && found < documents.length) counts.partly += 1;
  }
  // What was compared is worth comparing.
  assert.ok(counts.filter > 800 && counts.partly > 600 && counts.refused > 100, JSON.stringify(counts));
});
