/** Checks that every store makes of what it is given. Pure. */
import { RetrievalError } from '../errors.js';
import type { EmbeddedChunk, Generation, Metric, Pin } from '../model.js';
import { assertSamePin } from '../pin.js';

/**
 * @param vector what is to be stored or searched for
 * @throws RetrievalError `invalid_vector`: another length, a value that is not finite, or all zero
 *   under cosine, where it has no direction
 */
export function validateVector(vector: Float32Array, dimensions: number, metric: Metric): void {
  if (vector.length !== dimensions) {
    throw invalid(
      `has ${String(vector.length)} dimensions; the collection's model has ${String(dimensions)}`,
    );
  }
  let anything = false;
  for (const value of vector) {
    if (!Number.isFinite(value)) throw invalid('holds a value that is not a finite number');
    if (value !== 0) anything = true;
  }
  if (!anything && metric === 'cosine') throw invalid('is all zero and has no direction');
}

/**
 * What is to be written into a generation is of its model.
 * @throws RetrievalError `model_mismatch`, `invalid_vector`
 */
export function assertVectors(
  collection: string,
  generation: Generation,
  pin: Pin,
  chunks: readonly EmbeddedChunk[],
): void {
  assertSamePin(collection, generation.pin, pin);
  for (const { vector } of chunks) validateVector(vector, pin.dimensions, generation.metric);
}

/**
 * @param kind the store's name, for the message
 * @throws RetrievalError `unsupported_capability`: a model whose vectors are longer than the store keeps
 */
export function validateDimensions(kind: string, dimensions: number, most: number): void {
  if (dimensions <= most) return;
  throw new RetrievalError(
    'unsupported_capability',
    `The ${kind} store keeps vectors of up to ${String(most)} dimensions; the model has ${String(dimensions)}`,
    { field: 'embedder' },
  );
}

function invalid(problem: string): RetrievalError {
  return new RetrievalError('invalid_vector', `A vector ${problem}`, { field: 'vector' });
}
