/** By what an object is known to be unchanged without being read. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../model.js';
import { PIPELINE_VERSION, canonical } from '../../content-hash.js';
import type { FileFormat } from '../formats.js';
import type { S3Object } from './objects.js';

export interface VersionParts {
  readonly object: S3Object;
  readonly sidecar: S3Object | null;
  /** Null where tags are not asked for. */
  readonly tags: Readonly<Record<string, string>> | null;
  readonly format: FileFormat;
  /** What the user gave for all documents. */
  readonly metadata: JsonObject;
  readonly fileDates: boolean;
}

/**
 * A digest of the object's ETag, size and date, those of its sidecar, its tags, and every setting
 * that has a part in the document. If any of them differs, so does this, and the object is read.
 */
export function objectVersion(parts: VersionParts): string {
  const { object, sidecar, tags, format, metadata, fileDates } = parts;
  const facts = [
    PIPELINE_VERSION,
    state(object),
    sidecar === null ? null : state(sidecar),
    tags,
    format,
    metadata,
    fileDates,
  ];
  return createHash('sha256')
    .update(JSON.stringify(facts.map(canonical)))
    .digest('base64url');
}

/** Whether nothing was written to the object between the two looks. */
export function isSameObject(a: S3Object | null, b: S3Object | null): boolean {
  if (a === null || b === null) return a === b;
  return a.etag === b.etag && a.size === b.size && a.modifiedAt === b.modifiedAt;
}

function state({ etag, size, modifiedAt }: S3Object): readonly (string | number)[] {
  return [etag, size, modifiedAt];
}
