/** Which documents chunks are of, as legs answered lately: lets chunks and heads be read in one search. */
import type { LegHit } from '../port.js';

export interface Origins {
  get(chunkId: string): string | undefined;
  remember(hits: readonly LegHit[]): void;
}

/** Those of a few dozen questions. */
const MOST_REMEMBERED = 20_000;

/** A chunk's id is made from its document's, so what is remembered never becomes wrong. */
export function createOrigins(most = MOST_REMEMBERED): Origins {
  const documents = new Map<string, string>();
  return {
    get: (chunkId) => documents.get(chunkId),
    remember(hits) {
      for (const { chunkId, documentId } of hits) {
        documents.delete(chunkId);
        documents.set(chunkId, documentId);
      }
      for (const oldest of documents.keys()) {
        if (documents.size <= most) break;
        documents.delete(oldest);
      }
    },
  };
}
