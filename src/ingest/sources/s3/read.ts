/** The bytes of an object, as one and the same version of it. */
import type { CallOptions } from '../../../stores/port.js';
import { invalidDocument } from '../problems.js';
import { formatBytes } from '../text.js';
import type { S3ObjectRef } from './location.js';
import type { S3Object, S3Objects } from './objects.js';

/** Reads of one object, each begun because the one before met another version or a broken body. */
const MAX_READS = 4;
/** A part of a long object; read at once, so that a slow reader never holds a connection open. */
const PART_BYTES = 8 * 1024 * 1024;

export interface WholeObject {
  readonly bytes: Buffer;
  /** What was read: the object that was listed, or a newer one. */
  readonly object: S3Object;
}

/**
 * Reads the object as it was listed or, if it has changed since, as it is now; null when it is gone.
 * @throws RetrievalError `invalid_document` when it is too large or does not keep still.
 */
export async function readWhole(
  objects: S3Objects,
  ref: S3ObjectRef,
  listed: S3Object,
  maxBytes: number,
  call: CallOptions,
): Promise<WholeObject | null> {
  let object: S3Object = listed;
  let cause: unknown;
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    // Known beforehand, so nothing of it has to be read.
    if (object.size > maxBytes) throw invalidDocument(`is larger than ${formatBytes(maxBytes)}`);
    const read = await objects.read(ref, { ...call, etag: object.etag, maxBytes });
    if (read.kind === 'bytes') return { bytes: read.bytes, object };
    if (read.kind === 'cut') {
      cause = read.cause;
      continue;
    }
    const now = await objects.head(ref, call);
    if (now === null) return null;
    object = now;
  }
  throw unsteady(cause);
}

/**
 * The object's bytes in parts, with bounded memory and at any pace.
 * @throws RetrievalError `invalid_document` when it changes once the first part is out.
 */
export async function* readParts(
  objects: S3Objects,
  ref: S3ObjectRef,
  { etag, size }: S3Object,
  call: CallOptions,
): AsyncGenerator<Buffer> {
  for (let first = 0; first < size; first += PART_BYTES) {
    const last = Math.min(first + PART_BYTES, size) - 1;
    yield await readPart(objects, ref, etag, [first, last], call);
  }
}

async function readPart(
  objects: S3Objects,
  ref: S3ObjectRef,
  etag: string,
  range: readonly [number, number],
  call: CallOptions,
): Promise<Buffer> {
  let cause: unknown;
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    const read = await objects.read(ref, { ...call, etag, range, maxBytes: PART_BYTES });
    if (read.kind === 'bytes') return read.bytes;
    if (read.kind === 'changed') break;
    cause = read.cause;
  }
  throw unsteady(cause);
}

function unsteady(cause: unknown): Error {
  return invalidDocument(
    cause === undefined
      ? 'changed while it was read; ingest again'
      : 'could not be read to its end; ingest again',
    cause,
  );
}
