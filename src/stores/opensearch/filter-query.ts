/** Compiles a filter to a query over a collection's columns. Pure. */
import { RetrievalError } from '../../errors.js';
import type { FieldRef, Filter, Scalar } from '../../model.js';
import type { MappedField } from './fields.js';
import type { Query } from './search.js';

/**
 * Lucene refuses queries of more than 1,024 clauses (`indices.query.bool.max_clause_count`); some are
 * left for what stands beside the filter. A list of values is one.
 */
const MAX_CLAUSES = 960;

/**
 * A query that matches or not, and scores nothing. A missing field has no term and no point, so
 * comparisons with it are false, and their negation true, as the filter language wants it.
 * @throws RetrievalError `unsupported_capability` for a filter of too many parts
 */
export function filterQuery(filter: Filter, fields: readonly MappedField[]): Query {
  const clauses = { left: MAX_CLAUSES };
  return compile(filter, fields, clauses);
}

function compile(filter: Filter, fields: readonly MappedField[], clauses: { left: number }): Query {
  clauses.left -= 1;
  if (clauses.left < 0) {
    throw new RetrievalError(
      'unsupported_capability',
      `The OpenSearch store takes filters of up to ${String(MAX_CLAUSES)} parts; write alternatives of one field as $in`,
      { field: 'filter' },
    );
  }
  switch (filter.kind) {
    case 'all':
      return { match_all: {} };
    case 'none':
      return { match_none: {} };
    case 'and':
      return filter.filters.length === 0
        ? { match_all: {} }
        : { bool: { filter: filter.filters.map((part) => compile(part, fields, clauses)) } };
    case 'or':
      return filter.filters.length === 0
        ? { match_none: {} }
        : {
            bool: {
              should: filter.filters.map((part) => compile(part, fields, clauses)),
              minimum_should_match: 1,
            },
          };
    case 'not':
      return { bool: { must_not: [compile(filter.filter, fields, clauses)] } };
    case 'compare': {
      const column = columnOf(filter.field, fields);
      return filter.operator === 'eq'
        ? { term: { [column]: { value: filter.value } } }
        : { range: { [column]: { [filter.operator]: filter.value } } };
    }
    case 'in':
      return oneOf(columnOf(filter.field, fields), filter.values);
    case 'exists': {
      const exists = { exists: { field: columnOf(filter.field, fields) } };
      return filter.exists ? exists : { bool: { must_not: [exists] } };
    }
    default:
      return filter satisfies never;
  }
}

function oneOf(column: string, values: readonly Scalar[]): Query {
  return values.length === 0 ? { match_none: {} } : { terms: { [column]: values } };
}

function columnOf(field: FieldRef, fields: readonly MappedField[]): string {
  const found = fields.find(({ name }) => name === field.name);
  if (found === undefined) {
    throw new RetrievalError('unknown_field', `The collection has no field "${field.name}"`, {
      field: `filter.${field.name}`,
    });
  }
  return found.column;
}
