/** Compiles a filter to parameterised SQL over a collection's columns. Pure. */
import { RetrievalError } from '../../errors.js';
import { isListType } from '../../metadata/values.js';
import type { FieldRef, Filter, Scalar, VectorIndex } from '../../model.js';
import type { Located } from './catalog.js';
import { castType } from './columns.js';
import type { FieldColumn } from './columns.js';
import { bucketsOf, partitionsOf } from './partitions.js';

const OPERATORS = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** Collects a statement's parameters and answers their places. */
export interface Parameters {
  readonly values: readonly unknown[];
  add(value: unknown): string;
}

export function createParameters(...first: readonly unknown[]): Parameters {
  const values: unknown[] = [...first];
  return {
    values,
    add(value) {
      values.push(value);
      return `$${String(values.length)}`;
    },
  };
}

/**
 * A condition that is true or not, for each row. A missing field is NULL there, and a comparison
 * with it NULL too: negation is therefore `is not true`, which turns NULL into true as the filter
 * language wants it.
 */
export function filterSql(filter: Filter, columns: readonly FieldColumn[], parameters: Parameters): string {
  switch (filter.kind) {
    case 'all':
      return 'true';
    case 'none':
      return 'false';
    case 'and':
      return combined(filter.filters, 'and', 'true', columns, parameters);
    case 'or':
      return combined(filter.filters, 'or', 'false', columns, parameters);
    case 'not':
      return `(${filterSql(filter.filter, columns, parameters)}) is not true`;
    case 'compare':
      return compare(filter.field, OPERATORS[filter.operator], filter.value, columns, parameters);
    case 'in':
      return oneOf(filter.field, filter.values, columns, parameters);
    case 'exists':
      return `${columnOf(filter.field, columns)} is ${filter.exists ? 'not null' : 'null'}`;
    default:
      return filter satisfies never;
  }
}

/**
 * The same over the vectors of a generation, which are `v`: of these, only those partitions are read
 * that can hold a match.
 * @param buckets the partitions to read, where they are known better than by the filter
 */
export function vectorsFilterSql(
  filter: Filter,
  { columns, collection }: Pick<Located, 'columns' | 'collection'>,
  parameters: Parameters,
  buckets = searchedBuckets(filter, collection.generation.index),
): string {
  if (buckets?.length === 0) return 'false';
  const condition = filterSql(filter, columns, parameters);
  // As literals: the planner leaves the other partitions out before it looks at them.
  return buckets === null ? condition : `(${condition}) and v.bucket in (${buckets.map(String).join(', ')})`;
}

/** The partitions that can hold a match; null for all, and where there are none. */
export function searchedBuckets(filter: Filter, index: VectorIndex): readonly number[] | null {
  const partitions = partitionsOf(index);
  return partitions === null ? null : bucketsOf(filter, partitions);
}

function combined(
  filters: readonly Filter[],
  word: 'and' | 'or',
  empty: string,
  columns: readonly FieldColumn[],
  parameters: Parameters,
): string {
  if (filters.length === 0) return empty;
  return filters.map((part) => `(${filterSql(part, columns, parameters)})`).join(` ${word} `);
}

function compare(
  field: FieldRef,
  operator: (typeof OPERATORS)[keyof typeof OPERATORS],
  value: Scalar,
  columns: readonly FieldColumn[],
  parameters: Parameters,
): string {
  const column = columnOf(field, columns);
  const cast = castType(field.type);
  const place = `${parameters.add(value)}::${cast}`;
  if (!isListType(field.type)) return `${column} ${operator} ${place}`;
  if (operator === '=') return `${column} @> array[${place}]`;
  const collate = cast === 'text' ? ' collate "C"' : '';
  return `exists (select from unnest(${column}) as element(value) where element.value${collate} ${operator} ${place})`;
}

function oneOf(
  field: FieldRef,
  values: readonly Scalar[],
  columns: readonly FieldColumn[],
  parameters: Parameters,
): string {
  if (values.length === 0) return 'false';
  const column = columnOf(field, columns);
  const place = `${parameters.add(values)}::${castType(field.type)}[]`;
  return isListType(field.type) ? `${column} && ${place}` : `${column} = any(${place})`;
}

function columnOf(field: FieldRef, columns: readonly FieldColumn[]): string {
  const found = columns.find(({ name }) => name === field.name);
  if (found === undefined) {
    throw new RetrievalError('unknown_field', `The collection has no field "${field.name}"`, {
      field: `filter.${field.name}`,
    });
  }
  return found.column;
}
