/** One source document made ready for embedding: structure, typed metadata, chunks. */
import { chunkWith } from '../chunking/chunkers.js';
import type { ChunkResult, SentenceModel } from '../chunking/chunkers.js';
import { parseSteps } from '../chunking/parse.js';
import { inTurns } from '../chunking/steps.js';
import { RetrievalError } from '../errors.js';
import { isStorable } from '../metadata/values.js';
import type { ChunkerSettings, Document, RawDocument } from '../model.js';

/** Longest document id, in UTF-16 code units. */
const MAX_ID_LENGTH = 1024;

/** `invalid_document`, when the id cannot be kept; not even be looked up. */
export function documentIdError(id: string): RetrievalError | null {
  const problem =
    id === ''
      ? 'is empty'
      : id.length > MAX_ID_LENGTH
        ? `is longer than ${String(MAX_ID_LENGTH)} characters`
        : !isStorable(id)
          ? 'holds NUL or half a surrogate pair'
          : null;
  if (problem === null) return null;
  return new RetrievalError('invalid_document', `The document's id ${problem}`, { field: 'id' });
}

/** Parses and chunks, in turns with others. Only the semantic chunker asks the model. */
export async function chunkRawDocument(
  raw: RawDocument,
  chunker: ChunkerSettings,
  model: SentenceModel,
  signal?: AbortSignal,
): Promise<ChunkResult & { readonly document: Document }> {
  const idError = documentIdError(raw.id);
  if (idError !== null) throw idError;
  const document = await inTurns(parseSteps(raw), signal);
  return { document, ...(await chunkWith(document, chunker, model, signal)) };
}
