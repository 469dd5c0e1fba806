/** Which objects of a listing are documents, each with its sidecar. */
import { RetrievalError } from '../../../errors.js';
import { compareCodePoints } from '../../../metadata/compare-code-points.js';
import type { FileFormat } from '../formats.js';
import type { CallOptions } from '../../../stores/port.js';
import { SIDECAR_SUFFIX, formatOfContentType, formatOfKey, isSidecar, type KeyFormat } from './formats.js';
import { contains, type S3Location, type S3ObjectRef } from './location.js';
import type { S3Object, S3Objects } from './objects.js';

/** An object that is to be a document. */
export interface Entry {
  readonly bucket: string;
  readonly object: S3Object;
  readonly sidecar: S3Object | null;
  readonly format: Exclude<KeyFormat, 'none'>;
  /** Named by the user as it is, rather than found. */
  readonly isNamed: boolean;
}

export interface SelectOptions {
  readonly format?: FileFormat;
  readonly pageSize?: number;
}

/** Objects that wait for the listing to come to where their sidecars would be. */
const MAX_WAITING = 1000;

/**
 * The documents of all locations, in the order of the locations and of their keys; what lies in two
 * of them comes once. Memory is bounded: a page of the listing, and the objects that wait.
 */
export async function* selectEntries(
  objects: S3Objects,
  locations: readonly S3Location[],
  options: SelectOptions,
  signal: AbortSignal | undefined,
  /** Told of each location in which there was nothing. */
  onEmpty: (location: S3Location) => void,
): AsyncGenerator<Entry> {
  for (const [index, location] of locations.entries()) {
    const earlier = locations.slice(0, index);
    let isEmpty = true;
    for await (const entry of entriesOf(objects, location, options, signal)) {
      isEmpty = false;
      const ref = { bucket: entry.bucket, key: entry.object.key };
      if (!earlier.some((other) => contains(other, ref))) yield entry;
    }
    if (isEmpty) onEmpty(location);
  }
}

async function* entriesOf(
  objects: S3Objects,
  location: S3Location,
  options: SelectOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry> {
  const { bucket, key, kind } = location;
  const call = signal === undefined ? {} : { signal };
  if (kind !== 'named') {
    yield* pairWithSidecars(objects, location, key, options, signal);
    return;
  }
  // Of the keys that begin so, the object of that very key is the first.
  for await (const object of objects.list(bucket, key, { ...call, limit: 1 })) {
    const format = object.key === key ? formatOfKey(key, true, options.format) : 'none';
    if (format === 'none') continue;
    const sidecar = await objects.head({ bucket, key: `${key}${SIDECAR_SUFFIX}` }, call);
    yield { bucket, object, sidecar, format, isNamed: true };
  }
  yield* pairWithSidecars(objects, location, `${key}/`, options, signal);
}

/** The object as it is now, with its sidecar; null when there is none, or none that is a document. */
export async function entryOf(
  objects: S3Objects,
  ref: S3ObjectRef,
  isNamed: boolean,
  options: SelectOptions,
  call: CallOptions,
): Promise<Entry | null> {
  const byKey = formatOfKey(ref.key, isNamed, options.format);
  if (byKey === 'none') return null;
  const object = await objects.head(ref, call);
  if (object === null) return null;
  const format = byKey === 'ask' ? formatOfContentType(object.contentType, isNamed) : byKey;
  if (format === 'none') return null;
  const sidecar = await objects.head({ ...ref, key: `${ref.key}${SIDECAR_SUFFIX}` }, call);
  return { bucket: ref.bucket, object, sidecar, format, isNamed };
}

interface Waiting {
  readonly object: S3Object;
  readonly format: Exclude<KeyFormat, 'none'>;
  readonly sidecarKey: string;
  sidecar: S3Object | null;
}

/**
 * A sidecar's key comes after its object's, with other keys that begin with the object's between
 * them. So an object waits until the listing has met its sidecar or passed by where it would be.
 */
async function* pairWithSidecars(
  objects: S3Objects,
  location: S3Location,
  prefix: string,
  options: SelectOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry> {
  const { bucket } = location;
  const call = signal === undefined ? {} : { signal };
  const { pageSize } = options;
  const waiting: Waiting[] = [];
  let before = '';
  const entry = ({ object, format, sidecar }: Waiting): Entry => ({
    bucket,
    object,
    sidecar,
    format,
    isNamed: false,
  });

  const listing = objects.list(bucket, prefix, { ...call, ...(pageSize === undefined ? {} : { pageSize }) });
  for await (const object of listing) {
    const { key } = object;
    if (compareCodePoints(before, key) > 0) throw disordered(bucket);
    before = key;
    if (isSidecar(key)) {
      const owner = waiting.find(({ sidecarKey }) => sidecarKey === key);
      if (owner !== undefined) owner.sidecar = object;
    }
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const isSettled = first.sidecar !== null || compareCodePoints(key, first.sidecarKey) >= 0;
      if (!isSettled && waiting.length < MAX_WAITING) break;
      if (!isSettled) first.sidecar = await objects.head({ bucket, key: first.sidecarKey }, call);
      waiting.shift();
      yield entry(first);
    }
    const format = contains(location, { bucket, key }) ? formatOfKey(key, false, options.format) : 'none';
    if (format !== 'none') {
      waiting.push({ object, format, sidecarKey: `${key}${SIDECAR_SUFFIX}`, sidecar: null });
    }
  }
  for (const last of waiting) yield entry(last);
}

function disordered(bucket: string): RetrievalError {
  return new RetrievalError(
    'unsupported_capability',
    `Bucket "${bucket}" does not list its keys in order, so objects cannot be paired with their sidecars; use a general purpose bucket`,
    { field: 'path' },
  );
}
