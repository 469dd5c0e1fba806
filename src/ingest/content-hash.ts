/** Whether a document has to be ingested again. */
import { createHash } from 'node:crypto';
import type { JsonValue, RawDocument } from '../model.js';

/**
 * Raised when parsing or chunking changes what a document's chunks are: every document then counts
 * as changed at its next ingest (and unchanged chunks still keep their vectors).
 */
const PIPELINE_VERSION = 2;

/** Hex SHA-256 over everything that decides a document's stored form, but its id. */
export function contentHash(raw: RawDocument): string {
  const parts = [
    PIPELINE_VERSION,
    raw.format,
    raw.title ?? null,
    raw.source ?? null,
    raw.metadata,
    raw.content,
  ];
  return createHash('sha256')
    .update(JSON.stringify(parts.map(canonical)))
    .digest('hex');
}

/** The same value with all objects' keys in code unit order. */
function canonical(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  );
}
