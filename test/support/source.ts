/** Documents at hand, as a source. */
import type { Source } from '../../src/ingest/types.js';
import type { RawDocument } from '../../src/model.js';

export function sourceOf(documents: readonly RawDocument[]): Source {
  return {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  };
}
