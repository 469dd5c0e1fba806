import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filter } from '../../../src/model.js';
import { toMapped } from '../../../src/stores/opensearch/fields.js';
import { filterQuery } from '../../../src/stores/opensearch/filter-query.js';

const NAME = '"}}, "match_all": {}, {"$where';
const FIELDS = toMapped([
  { name: 'plain', type: 'number' },
  { name: NAME, type: 'keyword' },
]);

describe("filters as OpenSearch's queries", () => {
  it('hold no name of a user, and values only as values', () => {
    const field = { name: NAME, type: 'keyword' } as const;
    const filter: Filter = {
      kind: 'and',
      filters: [
        { kind: 'compare', field, operator: 'eq', value: NAME },
        { kind: 'exists', field, exists: false },
        { kind: 'in', field, values: [NAME, '*'] },
      ],
    };
    assert.deepEqual(filterQuery(filter, FIELDS), {
      bool: {
        filter: [
          { term: { f2: { value: NAME } } },
          { bool: { must_not: [{ exists: { field: 'f2' } }] } },
          { terms: { f2: [NAME, '*'] } },
        ],
      },
    });
  });

  it('refuse a field that the collection does not have', () => {
    const field = { name: 'f1', type: 'number' } as const;
    assert.throws(() => filterQuery({ kind: 'exists', field, exists: true }, FIELDS), {
      code: 'unknown_field',
    });
  });

  it('refuse more parts than OpenSearch takes', () => {
    const field = { name: 'plain', type: 'number' } as const;
    const either = (count: number): Filter => ({
      kind: 'or',
      filters: Array.from({ length: count }, (_, value) => ({
        kind: 'compare',
        field,
        operator: 'gt',
        value,
      })),
    });
    assert.ok(filterQuery(either(900), FIELDS));
    assert.throws(() => filterQuery(either(1000), FIELDS), { code: 'unsupported_capability' });
  });
});
