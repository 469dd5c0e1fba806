/** One source document made ready for embedding: structure, typed metadata, chunks. */
import { chunkDocument } from '../chunking/chunk.js';
import { parseDocument } from '../chunking/parse.js';
import { RetrievalError } from '../errors.js';
import type { Chunk, ChunkerSettings, Document, RawDocument, Tokenizer } from '../model.js';

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

/** Parses and chunks. */
export function chunkRawDocument(
  raw: RawDocument,
  chunker: ChunkerSettings,
  tokenizer: Tokenizer,
): { readonly document: Document; readonly chunks: readonly Chunk[] } {
  assertDocumentId(raw.id);
  const document = parseDocument(raw);
  return { document, chunks: chunkDocument(document, chunker, tokenizer) };
}
