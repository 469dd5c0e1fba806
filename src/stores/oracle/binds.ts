/** Typed values for statements. Each is bound under a name that no reserved word can be. */
import oracledb from 'oracledb';

export type Bind =
  | { readonly val: string; readonly type: oracledb.DbType }
  | { readonly val: number; readonly type: oracledb.DbType }
  | { readonly val: Float32Array; readonly type: oracledb.DbType };

/** A column's type as far as loading rows goes. A `clob` stands after all other columns. */
export type LoadType = 'text' | 'integer' | 'double' | 'vector' | 'clob';

export type LoadValue = string | number | Float32Array | null;

export function text(val: string): Bind {
  return { val, type: oracledb.DB_TYPE_VARCHAR };
}

export function integer(val: number): Bind {
  return { val, type: oracledb.DB_TYPE_NUMBER };
}

/** NUMBER keeps neither the smallest nor the largest of our numbers; a double keeps all. */
export function double(val: number): Bind {
  return { val, type: oracledb.DB_TYPE_BINARY_DOUBLE };
}

/** A plain array would arrive as FLOAT64. */
export function vector(val: Float32Array): Bind {
  return { val, type: oracledb.DB_TYPE_VECTOR };
}

/** Collects a statement's binds and answers their places. */
export interface Binds {
  readonly values: Readonly<Record<string, Bind>>;
  add(bind: Bind): string;
}

export function createBinds(): Binds {
  const values: Record<string, Bind> = {};
  let count = 0;
  return {
    values,
    add(bind) {
      const name = `b_${String((count += 1))}`;
      values[name] = bind;
      return `:${name}`;
    },
  };
}

/** Values in one list of a statement: far below the limits, and few statements for any number. */
export const MAX_LIST = 512;

/**
 * `(column IN (…) OR column IN (…))`. A list is filled up to a power of two by naming its last bind
 * again, so that the database sees few different statements and keeps their plans.
 */
export function inList(column: string, values: readonly Bind[], binds: Binds): string {
  if (values.length === 0) return '1 = 0';
  const lists = slices(values, MAX_LIST).map((part) => `${column} IN (${placesOf(part, binds).join(', ')})`);
  return lists.length === 1 ? lists.join('') : `(${lists.join(' OR ')})`;
}

/** The places of a list, filled up to a power of two. */
export function placesOf(values: readonly Bind[], binds: Binds): readonly string[] {
  const places = values.map((value) => binds.add(value));
  const last = places.at(-1);
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, places.length)));
  return last === undefined ? [] : [...places, ...Array.from({ length: size - places.length }, () => last)];
}

export function slices<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** How a column's values are bound, sized for the longest of them. */
export function definitionOf(type: LoadType, values: Iterable<LoadValue>): oracledb.BindDefinition {
  switch (type) {
    case 'text':
    case 'clob': {
      let maxSize = 1;
      for (const value of values) {
        if (typeof value === 'string') maxSize = Math.max(maxSize, Buffer.byteLength(value));
      }
      // A string needs no temporary LOB, which would cost two round trips a row.
      return { type: oracledb.DB_TYPE_VARCHAR, maxSize };
    }
    case 'integer':
      return { type: oracledb.DB_TYPE_NUMBER };
    case 'double':
      return { type: oracledb.DB_TYPE_BINARY_DOUBLE };
    case 'vector':
      return { type: oracledb.DB_TYPE_VECTOR };
    default:
      return type satisfies never;
  }
}
