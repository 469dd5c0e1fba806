/** What every store refuses in the same words. */
import { RetrievalError } from '../errors.js';
import type { DocumentWrite, GenerationRef } from './port.js';

export function collectionExists(name: string): RetrievalError {
  return new RetrievalError('collection_exists', `Collection "${name}" exists already`, { field: 'name' });
}

export function noCollection(name: string): RetrievalError {
  return new RetrievalError('collection_not_found', `There is no collection "${name}"`, { field: 'name' });
}

export function noGeneration(ref: GenerationRef): RetrievalError {
  return new RetrievalError(
    'collection_not_found',
    `Collection "${ref.collection}" no longer has generation ${String(ref.generation)}`,
  );
}

/**
 * A batch may name a document once: which of two would win is nobody's intention.
 * @throws RetrievalError `invalid_document`
 */
export function assertUniqueIds(documents: readonly DocumentWrite[]): void {
  const ids = new Set(documents.map(({ document }) => document.id));
  if (ids.size !== documents.length) {
    throw new RetrievalError('invalid_document', 'A batch holds two documents of one id', { field: 'id' });
  }
}
