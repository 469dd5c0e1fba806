/** A collection's fields as columns. Names come from positions, never from users. */
import { isListType, scalarTypeOf } from '../../metadata/values.js';
import type { FieldType, Fields, FieldValues } from '../../model.js';
import type { CopyType, CopyValue } from './binary-copy.js';

export interface FieldColumn {
  readonly name: string;
  readonly type: FieldType;
  /** `f1`, `f2`, … */
  readonly column: string;
}

export function toColumns(
  fields: readonly { readonly name: string; readonly type: FieldType }[],
): readonly FieldColumn[] {
  return fields.map(({ name, type }, index) => ({ name, type, column: `f${String(index + 1)}` }));
}

export function toFields(columns: readonly FieldColumn[]): Fields {
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}

/** The SQL type of a column. A date is its epoch milliseconds. */
export function sqlType(type: FieldType): string {
  const scalar = {
    keyword: 'text collate "C"',
    number: 'float8',
    boolean: 'boolean',
    date: 'float8',
  } as const;
  if (!isListType(type)) return scalar[scalarTypeOf(type)];
  const list = {
    keyword: 'text[] collate "C"',
    number: 'float8[]',
    boolean: 'boolean[]',
    date: 'float8[]',
  } as const;
  return list[scalarTypeOf(type)];
}

/** A scalar's SQL type without its collation, as casts need it. */
export function castType(type: FieldType): 'text' | 'float8' | 'boolean' {
  const names = { keyword: 'text', number: 'float8', boolean: 'boolean', date: 'float8' } as const;
  return names[scalarTypeOf(type)];
}

export function copyType(type: FieldType): CopyType {
  const cast = castType(type);
  return isListType(type) ? `${cast}[]` : cast;
}

export function copyValues(columns: readonly FieldColumn[], values: FieldValues): readonly CopyValue[] {
  return columns.map(({ name }) => (Object.hasOwn(values, name) ? (values[name] ?? null) : null));
}

/**
 * The index that serves a column's filters: hash for keywords (a value may be longer than a btree
 * key), btree for numbers and dates, GIN for lists. Booleans select too much for one.
 */
export function indexDefinition(table: string, { column, type }: FieldColumn): string | null {
  if (isListType(type)) return `create index on ${table} using gin (${column})`;
  switch (scalarTypeOf(type)) {
    case 'keyword':
      return `create index on ${table} using hash (${column})`;
    case 'number':
    case 'date':
      return `create index on ${table} (${column})`;
    case 'boolean':
      return null;
    default:
      throw new TypeError(`no index for ${type}`);
  }
}
