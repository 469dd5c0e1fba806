/** One document a line of JSON. */
import { z } from 'zod';
import { RetrievalError, throwIfCancelled } from '../../errors.js';
import type { Format, JsonObject, JsonValue, RawDocument } from '../../model.js';
import type { SourceItem } from '../types.js';
import { isBlank, readLines } from './lines.js';
import { failedByError, failedItem, invalidDocument } from './problems.js';
import { toRawDocument } from './raw-document.js';
import { decodeText, encodingOf, formatBytes } from './text.js';

export interface JsonlOptions {
  /** What failures call the file: `FILE:LINE`. */
  readonly name: string;
  /** Of documents that name none. */
  readonly format: Format;
  readonly metadata: JsonObject;
  readonly maxBytes: number;
}

const id = z.union([z.string(), z.number().refine(Number.isSafeInteger).transform(String)], {
  error: 'must be a string or a whole number',
});
const text = z.string({ error: 'must be a string' });

/** The members with a meaning; all others are metadata. */
const lineSchema = z.looseObject(
  {
    id: id.optional(),
    _id: id.optional(),
    text: text.nullish(),
    content: text.nullish(),
    format: z.enum(['markdown', 'html', 'text'], { error: 'must be markdown, html or text' }).optional(),
    metadata: z.record(z.string(), z.unknown(), { error: 'must be a JSON object' }).nullish(),
  },
  { error: 'must be a JSON object' },
);

/**
 * The documents of a JSONL stream. Each line: `id` (or `_id`), `text` (or `content`), and at will
 * `title`, `format`, `source`, `metadata`; any other member becomes metadata. A bad line is yielded
 * as failed, and the next ones go on.
 */
export async function* jsonlItems(
  stream: AsyncIterable<Uint8Array>,
  options: JsonlOptions,
  signal?: AbortSignal,
): AsyncGenerator<SourceItem> {
  try {
    for await (const { number, bytes } of readLines(stream, options.maxBytes)) {
      throwIfCancelled(signal);
      const name = `${options.name}:${String(number)}`;
      if (bytes === null) {
        yield failedItem(name, `is a line longer than ${formatBytes(options.maxBytes)}`);
        continue;
      }
      const problem = number === 1 ? notJsonl(bytes) : null;
      if (problem !== null) {
        // Not one of its lines would do: one failure says so better than a million.
        yield failedItem(options.name, problem);
        return;
      }
      if (!isBlank(bytes)) yield readLine(name, bytes, options, signal);
    }
  } catch (error) {
    yield failedByError(options.name, error, signal);
  }
}

function notJsonl(firstLine: Buffer): string | null {
  if (encodingOf(firstLine) !== 'utf-8') return 'is in UTF-16; JSON lines are read as UTF-8 only';
  return firstLine.includes(0) ? 'is binary, not JSON lines' : null;
}

function readLine(
  name: string,
  bytes: Buffer,
  options: JsonlOptions,
  signal: AbortSignal | undefined,
): SourceItem {
  try {
    return { kind: 'document', document: toDocument(parseJson(decodeText(bytes)), options) };
  } catch (error) {
    return failedByError(name, error, signal);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    // The parser's own message quotes the text, so it is not kept as the cause.
    throw invalidDocument('is not JSON');
  }
}

function toDocument(json: unknown, options: JsonlOptions): RawDocument {
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) throw schemaError(parsed.error);
  const { id: plainId, _id: beirId, text: plainText, content, format, metadata, ...others } = parsed.data;

  const documentId = plainId ?? beirId;
  if (documentId === undefined) throw memberError('id', 'is missing; every line needs an "id" (or "_id")');
  if (typeof plainText === 'string' && typeof content === 'string') {
    throw memberError('content', 'is given beside "text"; a document has one of the two');
  }
  const body = plainText ?? content;
  if (body === undefined || body === null) {
    throw memberError('text', 'is missing; every line needs a "text" (or "content")');
  }
  return toRawDocument({
    id: documentId,
    format: format ?? options.format,
    content: body,
    // `_id` is a member like any other where `id` is given too; all values come from JSON.parse.
    metadata: merge((metadata ?? {}) as JsonObject, {
      ...(others as JsonObject),
      ...(plainId === undefined || beirId === undefined ? {} : { _id: beirId }),
    }),
    overrides: options.metadata,
  });
}

/** Both, refusing a key that the two disagree on: one of the values would be lost. */
function merge(metadata: JsonObject, others: JsonObject): JsonObject {
  for (const [key, value] of Object.entries(others)) {
    if (!Object.hasOwn(metadata, key) || same(metadata[key], value)) continue;
    if (isEmpty(value) || isEmpty(metadata[key])) continue;
    throw memberError(`metadata.${key}`, `differs from the line's own "${key}"; give it once`);
  }
  const given = Object.entries(others).filter(
    ([key, value]) => !(isEmpty(value) && Object.hasOwn(metadata, key)),
  );
  return { ...metadata, ...Object.fromEntries(given) };
}

function same(a: JsonValue | undefined, b: JsonValue): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '';
}

function schemaError(error: z.ZodError): RetrievalError {
  const issue = error.issues[0];
  const path = issue?.path.join('.') ?? '';
  const problem = issue?.message ?? 'is not valid';
  return path === '' ? invalidDocument(problem) : memberError(path, problem);
}

function memberError(field: string, problem: string): RetrievalError {
  return new RetrievalError('invalid_document', `"${field}" ${problem}`, { field });
}
