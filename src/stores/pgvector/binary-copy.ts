/**
 * Rows in PostgreSQL's binary COPY format (documentation: COPY, "Binary Format"). pg-copy-streams
 * moves the bytes; this makes them.
 */
import { endianness } from 'node:os';
import { RetrievalError } from '../../errors.js';

/** A column's type as far as the encoding goes; `text` serves json too. */
export type CopyType =
  | 'text'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float8'
  | 'boolean'
  | 'vector'
  | 'bytea'
  | 'text[]'
  | 'int4[]'
  | 'int8[]'
  | 'float8[]'
  | 'boolean[]';

export type CopyValue =
  string | number | boolean | Float32Array | Buffer | readonly (string | number | boolean)[] | null;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);

/** Type ids of array elements, from pg_type. */
const ELEMENT_OIDS = { text: 25, int4: 23, int8: 20, float8: 701, boolean: 16 } as const;
type Element = keyof typeof ELEMENT_OIDS;

/** @param rows values in the order of `types` */
export function encodeCopy(types: readonly CopyType[], rows: Iterable<readonly CopyValue[]>): Buffer {
  const writer = createWriter();
  writer.bytes(SIGNATURE);
  for (const row of rows) {
    writer.int16(types.length);
    for (const [index, type] of types.entries()) writeField(writer, type, row[index] ?? null);
  }
  writer.bytes(TRAILER);
  return writer.result();
}

function writeField(writer: Writer, type: CopyType, value: CopyValue): void {
  if (value === null) {
    writer.int32(-1);
  } else if (value instanceof Float32Array) {
    writer.sized(() => {
      writer.int16(value.length);
      writer.int16(0);
      writer.floats(value);
    });
  } else if (Buffer.isBuffer(value)) {
    writer.int32(value.length);
    writer.bytes(value);
  } else if (typeof value === 'object') {
    writeArray(writer, elementOf(type), value);
  } else {
    writeScalar(writer, type, value);
  }
}

function writeArray(writer: Writer, element: Element, values: readonly (string | number | boolean)[]): void {
  writer.sized(() => {
    writer.int32(values.length === 0 ? 0 : 1);
    writer.int32(0);
    writer.int32(ELEMENT_OIDS[element]);
    if (values.length === 0) return;
    writer.int32(values.length);
    writer.int32(1);
    for (const value of values) writeScalar(writer, element, value);
  });
}

function writeScalar(writer: Writer, type: CopyType, value: string | number | boolean): void {
  if (type === 'text' && typeof value === 'string') {
    writer.sized(() => {
      writer.text(value);
    });
  } else if (type === 'boolean' && typeof value === 'boolean') {
    writer.int32(1);
    writer.int8(value ? 1 : 0);
  } else if (typeof value === 'number' && type === 'int2') {
    writer.int32(2);
    writer.int16(value);
  } else if (typeof value === 'number' && type === 'int4') {
    writer.int32(4);
    writer.int32(value);
  } else if (typeof value === 'number' && type === 'int8') {
    writer.int32(8);
    writer.int64(value);
  } else if (typeof value === 'number' && type === 'float8') {
    writer.int32(8);
    writer.float8(value);
  } else {
    throw new RetrievalError('internal', `A ${typeof value} cannot be written as ${type}`);
  }
}

function elementOf(type: CopyType): Element {
  switch (type) {
    case 'text[]':
      return 'text';
    case 'int4[]':
      return 'int4';
    case 'int8[]':
      return 'int8';
    case 'float8[]':
      return 'float8';
    case 'boolean[]':
      return 'boolean';
    case 'text':
    case 'int2':
    case 'int4':
    case 'int8':
    case 'float8':
    case 'boolean':
    case 'vector':
    case 'bytea':
      throw new RetrievalError('internal', `A list cannot be written as ${type}`);
    default:
      return type satisfies never;
  }
}

const IS_LITTLE_ENDIAN = endianness() === 'LE';

type Writer = ReturnType<typeof createWriter>;

function createWriter(): {
  bytes(data: Buffer): void;
  int8(value: number): void;
  int16(value: number): void;
  int32(value: number): void;
  int64(value: number): void;
  floats(values: Float32Array): void;
  float8(value: number): void;
  text(value: string): void;
  /** Writes what `fill` writes, with its length before it. */
  sized(fill: () => void): void;
  result(): Buffer;
} {
  let buffer = Buffer.allocUnsafe(1 << 18);
  let at = 0;
  const room = (size: number): void => {
    if (at + size <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + size));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };
  return {
    bytes(data) {
      room(data.length);
      at += data.copy(buffer, at);
    },
    int8(value) {
      room(1);
      at = buffer.writeInt8(value, at);
    },
    int16(value) {
      room(2);
      at = buffer.writeInt16BE(value, at);
    },
    int32(value) {
      room(4);
      at = buffer.writeInt32BE(value, at);
    },
    int64(value) {
      room(8);
      at = buffer.writeBigInt64BE(BigInt(value), at);
    },
    floats(values) {
      const size = values.byteLength;
      room(size);
      // The machine's bytes in one piece, then turned around where it has them the other way.
      const place = buffer.subarray(at, at + size);
      place.set(new Uint8Array(values.buffer, values.byteOffset, size));
      if (IS_LITTLE_ENDIAN) place.swap32();
      at += size;
    },
    float8(value) {
      room(8);
      at = buffer.writeDoubleBE(value, at);
    },
    text(value) {
      room(value.length * 3);
      at += buffer.write(value, at, 'utf8');
    },
    sized(fill) {
      room(4);
      const place = at;
      at += 4;
      fill();
      buffer.writeInt32BE(at - place - 4, place);
    },
    result: () => buffer.subarray(0, at),
  };
}
