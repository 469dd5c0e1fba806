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

/** A write into a generation that is not the active one. */
export function notActive(ref: GenerationRef): RetrievalError {
  return new RetrievalError(
    'generation_conflict',
    `Generation ${String(ref.generation)} of collection "${ref.collection}" is not the active one; read the collection again and write to the generation it names`,
    { details: { collection: ref.collection, generation: ref.generation } },
  );
}

/** Another generation is being built. */
export function generationInProgress(collection: string, generation: number): RetrievalError {
  return new RetrievalError(
    'generation_conflict',
    `Generation ${String(generation)} of collection "${collection}" is being built already; go on with it, activate it, or drop it first`,
    { details: { collection, generation } },
  );
}

/** What can be done to other generations only. */
export function isActive(ref: GenerationRef): RetrievalError {
  return new RetrievalError(
    'generation_conflict',
    `Generation ${String(ref.generation)} of collection "${ref.collection}" is the active one; activate another first`,
    { details: { collection: ref.collection, generation: ref.generation } },
  );
}

/** An activation whose premises hold no longer. */
export function cannotActivate(
  ref: GenerationRef,
  state: { readonly active: number; readonly missing: number },
): RetrievalError {
  return new RetrievalError(
    'generation_conflict',
    `Generation ${String(ref.generation)} of collection "${ref.collection}" cannot become active: generation ${String(state.active)} is active, and ${String(state.missing)} documents have no chunks in it yet`,
    { details: { collection: ref.collection, generation: ref.generation, ...state } },
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
