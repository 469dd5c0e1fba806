/**
 * A file of vectors that only grows. Each record stands for itself: a mark, its length, its key,
 * the vector, and a checksum. A write that was cut off, or two that met, cost their own record and
 * no other, so nothing is ever repaired, and several processes can append at once.
 */
import { appendFileSync, constants, fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Bytes of a key: a SHA-256. */
const KEY_BYTES = 32;

const MARK = Buffer.from('PLV1');
const HEAD_BYTES = MARK.length + 4;
const SUM_BYTES = 4;
/** Read at once when the file is opened. */
const WINDOW_BYTES = 1024 * 1024;

export interface RecordFile {
  /** By key in hex. A record that has become unreadable counts as missing. */
  get(key: string): Promise<Float32Array | null>;
  /** Adds a record; it is in the file when this returns. @throws what the system answers */
  put(key: string, vector: Float32Array): void;
  close(): Promise<void>;
}

/** Opens or makes the file, and reads which records are sound. */
export async function openRecordFile(path: string, dimensions: number): Promise<RecordFile> {
  const payloadBytes = KEY_BYTES + dimensions * 4;
  const recordBytes = HEAD_BYTES + payloadBytes + SUM_BYTES;
  // Appending is the system's: a record goes to the end, wherever another process has put that.
  const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  const places = new Map<string, number>();
  try {
    await readPlaces(file, payloadBytes, places);
  } catch (error) {
    await file.close();
    throw error;
  }

  return {
    async get(key) {
      const place = places.get(key);
      if (place === undefined) return null;
      const record = Buffer.alloc(recordBytes);
      const { bytesRead } = await file.read(record, 0, recordBytes, place);
      const keyEnd = HEAD_BYTES + KEY_BYTES;
      if (
        bytesRead < recordBytes ||
        !isSound(record, 0, payloadBytes) ||
        record.toString('hex', HEAD_BYTES, keyEnd) !== key
      ) {
        places.delete(key);
        return null;
      }
      return Float32Array.from({ length: dimensions }, (_, index) => record.readFloatLE(keyEnd + index * 4));
    },
    put(key, vector) {
      // At once, and before anything else is asked for: a process that is killed has then lost only
      // what it had no answer to. A record of some KB takes the system microseconds.
      appendFileSync(file.fd, encode(key, vector, payloadBytes));
      // If another process has written since, this place is wrong: reading checks, and forgets it.
      places.set(key, fstatSync(file.fd).size - recordBytes);
    },
    close: () => file.close(),
  };
}

function encode(key: string, vector: Float32Array, payloadBytes: number): Buffer {
  const record = Buffer.alloc(HEAD_BYTES + payloadBytes + SUM_BYTES);
  MARK.copy(record);
  record.writeUInt32LE(payloadBytes, MARK.length);
  record.write(key, HEAD_BYTES, KEY_BYTES, 'hex');
  for (const [index, value] of vector.entries())
    record.writeFloatLE(value, HEAD_BYTES + KEY_BYTES + index * 4);
  record.writeUInt32LE(crc32(record.subarray(0, HEAD_BYTES + payloadBytes)), HEAD_BYTES + payloadBytes);
  return record;
}

function isSound(bytes: Buffer, at: number, payloadBytes: number): boolean {
  const end = at + HEAD_BYTES + payloadBytes;
  return (
    MARK.compare(bytes, at, at + MARK.length) === 0 &&
    bytes.readUInt32LE(at + MARK.length) === payloadBytes &&
    bytes.readUInt32LE(end) === crc32(bytes.subarray(at, end))
  );
}

/** Looks for marks; what does not check out is passed over, up to the next mark. */
async function readPlaces(
  file: FileHandle,
  payloadBytes: number,
  places: Map<string, number>,
): Promise<void> {
  const recordBytes = HEAD_BYTES + payloadBytes + SUM_BYTES;
  const bytes = Buffer.alloc(Math.max(WINDOW_BYTES, 2 * recordBytes));
  let start = 0;
  let held = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, held, bytes.length - held, start + held);
    held += bytesRead;
    let at = 0;
    while (at + recordBytes <= held) {
      if (isSound(bytes, at, payloadBytes)) {
        places.set(bytes.toString('hex', at + HEAD_BYTES, at + HEAD_BYTES + KEY_BYTES), start + at);
        at += recordBytes;
        continue;
      }
      const next = bytes.subarray(0, held).indexOf(MARK, at + 1);
      at = next === -1 ? held - recordBytes + 1 : next;
    }
    if (bytesRead === 0) return;
    bytes.copyWithin(0, at, held);
    start += at;
    held -= at;
  }
}
