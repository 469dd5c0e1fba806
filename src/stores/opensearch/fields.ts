/** A collection's fields in the mapping. Names come from positions, never from users. */
import { scalarTypeOf } from '../../metadata/values.js';
import type { FieldType, FieldValues, Fields } from '../../model.js';

export interface MappedField {
  readonly name: string;
  readonly type: FieldType;
  /** `f1`, `f2`, … */
  readonly column: string;
}

export function toMapped(
  fields: readonly { readonly name: string; readonly type: FieldType }[],
): readonly MappedField[] {
  return fields.map(({ name, type }, index) => ({ name, type, column: `f${String(index + 1)}` }));
}

export function toFields(mapped: readonly MappedField[]): Fields {
  return Object.fromEntries(mapped.map(({ name, type }) => [name, type]));
}

/**
 * The mapping's properties. A list needs no type of its own. A date is its epoch milliseconds. The
 * longest keyword (8,000 UTF-16 units) has 24,000 bytes, less than the 32,766 of Lucene's longest term.
 */
export function fieldProperties(
  mapped: readonly MappedField[],
): Readonly<Record<string, { readonly type: string }>> {
  const types = { keyword: 'keyword', number: 'double', boolean: 'boolean', date: 'double' } as const;
  return Object.fromEntries(mapped.map(({ column, type }) => [column, { type: types[scalarTypeOf(type)] }]));
}

export function fieldColumns(
  mapped: readonly MappedField[],
  values: FieldValues,
): Readonly<Record<string, FieldValues[string]>> {
  return Object.fromEntries(
    mapped.flatMap(({ name, column }) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      return value === undefined ? [] : [[column, value] as const];
    }),
  );
}
