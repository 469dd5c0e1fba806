import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchesEverything } from '../../../src/retrieval/filter/matches-everything.js';
import { parseFilter } from '../../../src/retrieval/filter/parse.js';
import { compileFilter } from '../../../src/metadata/evaluate-filter.js';
import { FILTER_FIELDS, randomFilter, randomValues } from '../../support/filters.js';
import { createRandom } from '../../support/random.js';

const FIELDS = { a: 'number' } as const;

describe('matchesEverything', () => {
  const everything = [
    {},
    { $and: [{}] },
    { $and: [{}, { $and: [{}, {}] }] },
    { $or: [{ a: 1 }, {}] },
    { $not: { $not: {} } },
    { $not: { a: { $in: [] } } },
    { a: { $nin: [] } },
    { a: { $not: { $in: [] } } },
    { $not: { $and: [{ a: 1 }, { a: { $in: [] } }] } },
    { $or: [{ a: { $in: [] } }, { a: { $nin: [] } }] },
  ];
  for (const input of everything) {
    it(`says yes to ${JSON.stringify(input)}`, () =>
      assert.equal(matchesEverything(parseFilter(input, FIELDS)), true));
  }

  const some = [
    { a: 1 },
    { $not: {} },
    { a: { $in: [] } },
    { a: { $exists: true } },
    { $or: [{ a: 1 }, { $not: {} }] },
    { $and: [{}, { a: { $ne: 1 } }] },
    { $not: { a: 1 } },
  ];
  for (const input of some) {
    it(`says no to ${JSON.stringify(input)}`, () =>
      assert.equal(matchesEverything(parseFilter(input, FIELDS)), false));
  }

  it('never says yes to a filter that leaves a document out', () => {
    const random = createRandom(9);
    const documents = [{}, ...Array.from({ length: 20 }, () => randomValues(random))];
    for (let round = 0; round < 3000; round += 1) {
      const input = randomFilter(random);
      const filter = parseFilter(input, FILTER_FIELDS);
      if (!matchesEverything(filter)) continue;
      assert.ok(documents.every(compileFilter(filter)), JSON.stringify(input));
    }
  });
});
