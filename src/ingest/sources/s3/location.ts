/** `s3://BUCKET/KEY`: what a user names, and what objects are called. */
import { RetrievalError } from '../../../errors.js';

/** An object, or everything that lies in a folder or begins with a prefix. */
export interface S3Location {
  readonly bucket: string;
  /** As named, without the `*` of a prefix. */
  readonly key: string;
  /** `folder`: all keys that begin with `key`, which is empty or ends in `/`. `named`: that object, or that folder. */
  readonly kind: 'folder' | 'prefix' | 'named';
}

export interface S3ObjectRef {
  readonly bucket: string;
  readonly key: string;
}

const SCHEME = 's3://';
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u;
/** Directory buckets list their keys in no order, which the pairing with sidecars needs. */
const DIRECTORY_BUCKET = '--x-s3';
const SKIPPED_FOLDER = 'node_modules';

/** Whether a path on the command line means S3. */
export function isS3Url(path: string): boolean {
  return path.startsWith(SCHEME);
}

/** @throws RetrievalError `invalid_request`, or `unsupported_capability` for a directory bucket. */
export function parseS3Url(url: string): S3Location {
  const rest = url.slice(SCHEME.length);
  const slash = rest.indexOf('/');
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  const key = slash < 0 ? '' : rest.slice(slash + 1);
  if (!isS3Url(url) || !BUCKET.test(bucket)) {
    throw new RetrievalError(
      'invalid_request',
      'Write s3://BUCKET/KEY, with a bucket name of 3 to 63 lower-case letters, digits, dots and hyphens',
      { field: 'path' },
    );
  }
  if (bucket.endsWith(DIRECTORY_BUCKET)) {
    throw new RetrievalError(
      'unsupported_capability',
      `Bucket "${bucket}" is a directory bucket, which does not list its keys in order; use a general purpose bucket`,
      { field: 'path' },
    );
  }
  if (key.endsWith('*')) return { bucket, key: key.slice(0, -1), kind: 'prefix' };
  return { bucket, key, kind: key === '' || key.endsWith('/') ? 'folder' : 'named' };
}

/** As a user would name it. */
export function locationUrl({ bucket, key, kind }: S3Location): string {
  return `${SCHEME}${bucket}/${key}${kind === 'prefix' ? '*' : ''}`;
}

/** The document id of an object, and its source unless the document names one. */
export function objectUrl({ bucket, key }: S3ObjectRef): string {
  return `${SCHEME}${bucket}/${key}`;
}

/** Whether an object belongs to what was named. Hidden files and `node_modules` do only where named, as with files. */
export function contains(location: S3Location, { bucket, key }: S3ObjectRef): boolean {
  if (bucket !== location.bucket || key.endsWith('/')) return false;
  if (location.kind === 'named') {
    if (key === location.key) return true;
    return key.startsWith(`${location.key}/`) && !isHidden(key.slice(location.key.length + 1));
  }
  if (!key.startsWith(location.key)) return false;
  const folder = location.key.slice(0, location.key.lastIndexOf('/') + 1);
  return !isHidden(key.slice(folder.length));
}

/** Whether one of the locations is this very object. */
export function isNamed(locations: readonly S3Location[], { bucket, key }: S3ObjectRef): boolean {
  return locations.some(
    (location) => location.kind === 'named' && location.bucket === bucket && location.key === key,
  );
}

function isHidden(path: string): boolean {
  return path.split('/').some((name) => name.startsWith('.') || name === SKIPPED_FOLDER);
}
