/** Chunks of nothing but a vector, for benchmarks of vector indexes. */
import { createHash } from 'node:crypto';
import type { EmbeddedChunk } from '../../src/model.js';

/** A document's passages as chunks; of the text there is only enough to tell them apart. */
export function toChunks(documentId: string, passages: readonly Float32Array[]): readonly EmbeddedChunk[] {
  return passages.map((vector, ordinal) => {
    const text = `Passage ${String(ordinal)} of ${documentId}`;
    return {
      id: createHash('sha256').update(text).digest('hex'),
      documentId,
      ordinal,
      start: 0,
      end: text.length,
      overlap: 0,
      headingPath: [],
      text,
      indexedText: text,
      tokens: 5,
      split: 'block',
      vector,
    };
  });
}
