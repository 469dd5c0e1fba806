/** Whether a document has to be ingested again. */
import { createHash } from 'node:crypto';
import { slicesOf } from '../chunking/lines.js';
import type { Steps } from '../chunking/steps.js';
import type { JsonValue, RawDocument } from '../model.js';

/**
 * Raised when parsing or chunking changes what a document's chunks are: every document then counts
 * as changed at its next ingest (and unchanged chunks still keep their vectors).
 */
export const PIPELINE_VERSION = 3;

/**
 * Hex SHA-256 over everything that decides a document's stored form, but its id. The content's JSON
 * is put together from that of its slices.
 */
export function* contentHash(raw: RawDocument): Steps<string> {
  const parts = [PIPELINE_VERSION, raw.format, raw.title ?? null, raw.source ?? null, raw.metadata];
  const hash = createHash('sha256').update(`${JSON.stringify(parts.map(canonical)).slice(0, -1)},"`);
  for (const slice of slicesOf(raw.content)) {
    hash.update(JSON.stringify(slice).slice(1, -1));
    yield;
  }
  return hash.update('"]').digest('hex');
}

/**
 * What is stored as a document's hash: that of its content, and behind it the version by which its
 * source tells a change without reading. Kept in one place, the two are written and lost together.
 */
export function withVersion(hash: string, version: string | undefined): string {
  return version === undefined ? hash : `${hash}${SEPARATOR}${version}`;
}

/** The two parts of a stored hash; `version` is null where its source has none. */
export function splitHash(stored: string): { readonly hash: string; readonly version: string | null } {
  const at = stored.indexOf(SEPARATOR);
  return at < 0
    ? { hash: stored, version: null }
    : { hash: stored.slice(0, at), version: stored.slice(at + SEPARATOR.length) };
}

const SEPARATOR = '.';

/** The same value with all objects' keys in code unit order. */
export function canonical(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  );
}
