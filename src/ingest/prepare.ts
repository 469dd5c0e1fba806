/** One source document made ready for embedding: structure, typed metadata, chunks. */
import { chunkWith } from '../chunking/chunkers.js';
import type { ChunkResult, SentenceModel } from '../chunking/chunkers.js';
import { parseDocument } from '../chunking/parse.js';
import { RetrievalError } from '../errors.js';
import type { ChunkerSettings, Document, RawDocument } from '../model.js';

/** Longest document id, in UTF-16 code units. */
const MAX_ID_LENGTH = 1024;

/** @throws RetrievalError `invalid_document` when the id cannot be kept. */
export function assertDocumentId(id: string): void {
  const problem =
    id === ''
      ? 'is empty'
      : id.length > MAX_ID_LENGTH
        ? `is longer than ${String(MAX_ID_LENGTH)} characters`
        : id.includes('\0') || !id.isWellFormed()
          ? 'holds NUL or half a surrogate pair'
          : null;
  if (problem === null) return;
  throw new RetrievalError('invalid_document', `The document's id ${problem}`, { field: 'id' });
}

/** Parses and chunks. Only the semantic chunker asks the model, and can be cancelled. */
export async function chunkRawDocument(
  raw: RawDocument,
  chunker: ChunkerSettings,
  model: SentenceModel,
  signal?: AbortSignal,
): Promise<ChunkResult & { readonly document: Document }> {
  assertDocumentId(raw.id);
  const document = parseDocument(raw);
  return { document, ...(await chunkWith(document, chunker, model, signal)) };
}
