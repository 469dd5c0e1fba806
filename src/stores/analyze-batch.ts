/** A batch made ready for a store that keeps its words beside the vectors: checked, and its words counted. */
import { analyzerOf, countTerms } from '../analysis/analyzer.js';
import { hasCode } from '../errors.js';
import type { Collection, Pin } from '../model.js';
import type { BesideWrite } from './generations-port.js';
import type { DocumentWrite, GenerationRef } from './port.js';
import { assertVectors } from './validate.js';

export interface AnalyzedChunk {
  readonly write: DocumentWrite;
  readonly chunk: DocumentWrite['chunks'][number];
  readonly terms: ReadonlyMap<string, number>;
  /** Terms, repeats included. */
  readonly length: number;
}

/** Chunks of a batch for one generation. */
export interface GenerationBatch {
  readonly generation: number;
  readonly pin: Pin;
  readonly analyzed: readonly AnalyzedChunk[];
}

/**
 * Validates before anything is sent, so that a bad vector costs no transaction.
 * @throws RetrievalError `model_mismatch`, `invalid_vector`
 */
export function analyzeBatch(
  { name, generation, language }: Collection,
  pin: Pin,
  documents: readonly DocumentWrite[],
): readonly AnalyzedChunk[] {
  const chunks = documents.flatMap((write) => write.chunks.map((chunk) => ({ write, chunk })));
  assertVectors(
    name,
    generation,
    pin,
    chunks.map(({ chunk }) => chunk),
  );
  const analyze = analyzerOf(language);
  return chunks.map(({ write, chunk }) => {
    const terms = analyze(chunk.indexedText);
    return { write, chunk, terms: countTerms(terms), length: terms.length };
  });
}

/**
 * The chunks that a batch gets in generations beside the one it is written to. One that is gone by
 * now is left out.
 * @throws RetrievalError `model_mismatch`, `invalid_vector`
 */
export async function analyzeBeside(
  locate: (ref: GenerationRef) => Promise<{ readonly collection: Collection }>,
  { collection: name }: GenerationRef,
  documents: readonly DocumentWrite[],
  beside: readonly BesideWrite[],
): Promise<readonly GenerationBatch[]> {
  const batches: GenerationBatch[] = [];
  for (const { generation, pin, chunks } of beside) {
    const located = await locate({ collection: name, generation }).catch((error: unknown) => {
      if (hasCode(error, 'collection_not_found')) return null;
      throw error;
    });
    if (located === null) continue;
    const writes = documents.map((write) => ({ ...write, chunks: chunks.get(write.document.id) ?? [] }));
    batches.push({ generation, pin, analyzed: analyzeBatch(located.collection, pin, writes) });
  }
  return batches;
}
