/** Random filters, on every store but the one that says what they mean. `PLUMBLINE_TEST_FILTERS` is how many. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FULL_SIZES } from '../../src/conformance/checks.js';
import { DOCUMENTS, filterChecks, loadCorpus, makeFilters } from '../../src/conformance/checks/filters.js';
import { FILTER_FIELDS } from '../../src/conformance/filters.js';
import { parseFilter } from '../../src/retrieval/filter/parse.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { storeConformance } from '../conformance/store/suite.js';
import { testStores } from '../support/stores.js';

const FILTERS = Number(process.env['PLUMBLINE_TEST_FILTERS'] ?? FULL_SIZES.filters);
assert.ok(Number.isSafeInteger(FILTERS) && FILTERS > 0, 'PLUMBLINE_TEST_FILTERS is a whole number');

for (const { name, open } of testStores()) {
  if (name !== 'memory') storeConformance(name, open, [filterChecks(FILTERS)]);
}

describe('the filters', () => {
  it('select now few, now many documents, so that equality says something', async () => {
    const { store, plain } = await loadCorpus(createMemoryStore(), 'filters');
    let some = 0;
    for (const filter of makeFilters(FILTERS)) {
      const count = await store.countDocuments(plain.collection, parseFilter(filter, FILTER_FIELDS));
      if (count > 0 && count < DOCUMENTS) some += 1;
    }
    assert.ok(some > FILTERS * 0.75, `only ${String(some)} select some documents`);
  });
});
