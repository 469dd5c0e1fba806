/**
 * What a generation's index holds, written and read. Four kinds of entries:
 * - `document`: a document's head, under an id that follows from the document's. It names the write
 *   (`token`) that its parts belong to.
 * - `gone`: the head of a document that was deleted.
 * - `chunk` and `body`: a document's parts, under ids that no other write uses.
 *
 * What is not searched is JSON in a string: OpenSearch neither maps nor reformats it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { countTerms } from '../../analysis/analyzer.js';
import type { Analyze } from '../../analysis/analyzer.js';
import { textHash } from '../../chunking/text-hash.js';
import type { FieldValues } from '../../model.js';
import type { ChunkRecord, DocumentSummary, DocumentWrite } from '../port.js';
import { fieldColumns } from './fields.js';
import type { MappedField } from './fields.js';
import { parse, stored } from './search.js';
import type { Hit } from './search.js';
import { blockSchema, metadataSchema } from '../record-schemas.js';

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

const metaSchema = z.object({
  id: z.string(),
  title: z.string().nullable(),
  source: z.string().nullable(),
  metadata: metadataSchema,
  contentHash: z.string(),
  ingestedAt: z.string(),
  chunkCount: z.number().int(),
  values: z.record(z.string(), z.union([scalarSchema, z.array(scalarSchema)])),
});

const bodySchema = z.object({
  text: z.string(),
  blocks: z.array(blockSchema),
});

const chunkSchema = z.object({
  id: z.string(),
  documentId: z.string(),
  ordinal: z.number().int(),
  start: z.number(),
  end: z.number(),
  overlap: z.number(),
  headingPath: z.array(z.string()),
  /** Null when the indexed text ends with it, from `textStart` on. */
  text: z.string().nullable(),
  textStart: z.number(),
  indexedText: z.string(),
  tokens: z.number(),
  split: z.enum(['block', 'sentence', 'token']),
});

/** An entry of an index, as it is sent. */
export type Entry = Readonly<Record<string, unknown>>;

/** Document ids may be longer than OpenSearch's, which have 512 bytes. */
export function headId(documentId: string): string {
  return `d${createHash('sha256').update(documentId).digest('hex')}`;
}

export function partId(token: number, place: number): string {
  return `p${String(token)}-${String(place)}`;
}

export function headEntry(
  { document, values, contentHash, chunks }: DocumentWrite,
  token: number,
  fields: readonly MappedField[],
  ingestedAt: string,
): Entry {
  const { id, title, source, metadata } = document;
  const meta = { id, title, source, metadata, contentHash, ingestedAt, chunkCount: chunks.length, values };
  return {
    kind: 'document',
    document_id: id,
    token,
    content_hash: contentHash,
    meta: JSON.stringify(meta),
    ...fieldColumns(fields, values),
  };
}

export function goneEntry(documentId: string, token: number): Entry {
  return { kind: 'gone', document_id: documentId, token };
}

/** A document's text, and its chunks in order. */
export function partEntries(
  write: DocumentWrite,
  token: number,
  fields: readonly MappedField[],
  analyze: Analyze,
): readonly Entry[] {
  const { id, text, blocks } = write.document;
  const body = { kind: 'body', document_id: id, token, body: JSON.stringify({ text, blocks }) };
  const columns = fieldColumns(fields, write.values);
  return [body, ...write.chunks.map((chunk) => ({ ...chunkEntry(chunk, token, analyze), ...columns }))];
}

function chunkEntry(
  { vector, ...chunk }: DocumentWrite['chunks'][number],
  token: number,
  analyze: Analyze,
): Entry {
  const terms = analyze(chunk.indexedText);
  const isTail = chunk.indexedText.endsWith(chunk.text);
  const body = {
    ...chunk,
    text: isTail ? null : chunk.text,
    textStart: isTail ? chunk.indexedText.length - chunk.text.length : 0,
  };
  return {
    kind: 'chunk',
    document_id: chunk.documentId,
    token,
    chunk_id: chunk.id,
    ordinal: chunk.ordinal,
    text_hash: textHash(chunk.indexedText),
    terms: terms.length === 0 ? NO_TERMS : terms.join(' '),
    counts: encodeCounts(countTerms(terms)),
    length: terms.length,
    vector: encodeVector(vector),
    embedding: Array.from(vector, shortest),
    body: JSON.stringify(body),
  };
}

/**
 * Stands where a chunk has no word, so that Lucene counts the chunk among those of the field. The
 * analyzer never makes it: a term begins with a letter, a digit or a mark.
 */
const NO_TERMS = '-';

/** Nine digits are enough for every single-precision number. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}

function encodeVector(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}

export function decodeVector(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

function encodeCounts(counts: ReadonlyMap<string, number>): string {
  return Buffer.from([...counts].map(([term, count]) => `${term} ${String(count)}`).join('\n')).toString(
    'base64',
  );
}

/** How often the chunk holds a term. A question has few of its terms: they are looked for, and not all decoded. */
export function readCounts(base64: string): (term: string) => number {
  const lines = `\n${Buffer.from(base64, 'base64').toString()}\n`;
  return (term) => {
    const line = `\n${term} `;
    const at = lines.indexOf(line);
    return at === -1 ? 0 : Number(lines.slice(at + line.length, lines.indexOf('\n', at + 1)));
  };
}

export interface StoredHead {
  readonly summary: DocumentSummary;
  readonly values: FieldValues;
}

export function readHead(hit: Hit): StoredHead {
  const { values, ...summary } = parse(metaSchema, JSON.parse(stored(hit, 'meta')));
  return { summary, values };
}

export function readBody(hit: Hit): z.infer<typeof bodySchema> {
  return parse(bodySchema, JSON.parse(stored(hit, 'body')));
}

export function readChunk(hit: Hit, { summary, values }: StoredHead): ChunkRecord {
  const { text, textStart, ...chunk } = parse(chunkSchema, JSON.parse(stored(hit, 'body')));
  const { title, source, metadata } = summary;
  return { ...chunk, text: text ?? chunk.indexedText.slice(textStart), title, source, metadata, values };
}
