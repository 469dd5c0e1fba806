/** What is refused of generations. */
import { RetrievalError } from '../errors.js';
import type { GenerationRecord } from '../stores/generations-port.js';

/** @param id undefined: the one that is being built */
export function noSuchGeneration(
  name: string,
  id: number | undefined,
  all: readonly Pick<GenerationRecord, 'id' | 'state'>[],
): RetrievalError {
  const known = all.map((generation) => `${String(generation.id)} (${generation.state})`).join(', ');
  return new RetrievalError(
    'generation_not_found',
    id === undefined
      ? `No generation of collection "${name}" is being built; there are: ${known}. Start one first`
      : `Collection "${name}" has no generation ${String(id)}; there are: ${known}`,
    { field: 'generation', details: { known: all.map((generation) => generation.id) } },
  );
}
