/** The chunks of documents in one generation. */
import type { EmbeddedChunk, FieldValues, Generation, Language } from '../../model.js';
import { createGenerationData } from './generation.js';
import type { MemoryGeneration } from './index.js';

export function emptyGeneration(
  generation: Generation,
  language: Language,
): Pick<MemoryGeneration, 'data' | 'chunks'> {
  return { data: createGenerationData(generation, language), chunks: new Map() };
}

/** A document of no chunks leaves nothing. */
export function addChunks(
  { data, chunks: byDocument }: MemoryGeneration,
  documentId: string,
  chunks: readonly EmbeddedChunk[],
  values: FieldValues,
): void {
  if (chunks.length === 0) return;
  byDocument.set(documentId, chunks);
  for (const chunk of chunks) data.add(chunk, values);
}

export function removeChunks({ data, chunks }: MemoryGeneration, documentId: string): void {
  for (const chunk of chunks.get(documentId) ?? []) data.remove(chunk.id);
  chunks.delete(documentId);
}
