/** A collection's fields as columns. Names come from positions, never from users. */
import { isListType, scalarTypeOf } from '../../metadata/values.js';
import type { FieldType, Fields, FieldValues, Scalar } from '../../model.js';
import type { LoadType, LoadValue } from './binds.js';
import { TAIL_PIECES, encodeKeyword } from './keywords.js';

export interface FieldColumn {
  readonly name: string;
  readonly type: FieldType;
  /** From 1. */
  readonly position: number;
  /** `f1`, `f2`, … */
  readonly column: string;
}

export function toColumns(
  fields: readonly { readonly name: string; readonly type: FieldType }[],
): readonly FieldColumn[] {
  return fields.map(({ name, type }, index) => ({
    name,
    type,
    position: index + 1,
    column: `f${String(index + 1)}`,
  }));
}

export function toFields(columns: readonly FieldColumn[]): Fields {
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}

/** Columns to load, in the order of a row's values. */
export type LoadColumns = readonly (readonly [name: string, type: LoadType])[];

export function fieldColumns(columns: readonly FieldColumn[]): LoadColumns {
  return columns.map(({ column, type }) => [column, loadType(type)]);
}

/** The SQL type of a column. A date is its epoch milliseconds; a list's column says that there is one. */
export function sqlType(type: FieldType): string {
  if (isListType(type)) return 'NUMBER(1)';
  const scalar = {
    keyword: 'VARCHAR2(1000 CHAR)',
    number: 'BINARY_DOUBLE',
    boolean: 'NUMBER(1)',
    date: 'BINARY_DOUBLE',
  } as const;
  return scalar[scalarTypeOf(type)];
}

function loadType(type: FieldType): LoadType {
  if (isListType(type)) return 'integer';
  return ({ keyword: 'text', number: 'double', boolean: 'integer', date: 'double' } as const)[
    scalarTypeOf(type)
  ];
}

/** Values of the columns, in their order. */
export function loadValues(columns: readonly FieldColumn[], values: FieldValues): readonly LoadValue[] {
  return columns.map(({ name }) => {
    const value = valueOf(values, name);
    if (value === undefined) return null;
    if (typeof value === 'object') return 1;
    if (typeof value === 'string') return encodeKeyword(value).head;
    return Number(value);
  });
}

/** `p1` to `p9`, then the number: what a row of the elements table holds. */
export const ELEMENT_TYPES: readonly LoadType[] = [
  ...Array.from({ length: TAIL_PIECES + 1 }, () => 'text' as const),
  'double',
];

/** A row for each element of a list and each long keyword: position, place in the list, values. */
export function elementRows(
  columns: readonly FieldColumn[],
  values: FieldValues,
): readonly (readonly LoadValue[])[] {
  return columns.flatMap(({ name, position }) => {
    const value = valueOf(values, name);
    if (value === undefined) return [];
    if (typeof value === 'object') {
      return value.map((element, index) => [position, index, ...elementValues(element)]);
    }
    const isLong = typeof value === 'string' && encodeKeyword(value).isLong;
    return isLong ? [[position, 0, ...elementValues(value)]] : [];
  });
}

function elementValues(element: Scalar): readonly LoadValue[] {
  if (typeof element !== 'string') {
    return [...Array.from({ length: TAIL_PIECES + 1 }, () => null), Number(element)];
  }
  const { head, tail } = encodeKeyword(element);
  return [head, ...Array.from({ length: TAIL_PIECES }, (_, index) => tail[index] ?? null), null];
}

function valueOf(values: FieldValues, name: string): Scalar | readonly Scalar[] | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Whether filters on the column are served by an index; booleans and lists' marks select too much for one. */
export function isIndexed(type: FieldType): boolean {
  return !isListType(type) && scalarTypeOf(type) !== 'boolean';
}
