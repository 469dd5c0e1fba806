/** The chunks that a batch of documents gets in generations beside the one that is written to. */
import { RetrievalError } from '../../errors.js';
import type { BesideWrite } from '../generations-port.js';
import type { CallOptions, DocumentWrite, GenerationRef } from '../port.js';
import type { OracleCatalog } from './catalog.js';
import { analyzeBatch } from './write-chunks.js';
import type { GenerationBatch } from './write-documents.js';

/** One that is gone by now is left out. @throws RetrievalError `model_mismatch`, `invalid_vector` */
export async function batchesBeside(
  catalog: Pick<OracleCatalog, 'locate'>,
  ref: GenerationRef,
  documents: readonly DocumentWrite[],
  beside: readonly BesideWrite[],
  options: CallOptions | undefined,
): Promise<readonly GenerationBatch[]> {
  const batches: GenerationBatch[] = [];
  for (const { generation, pin, chunks } of beside) {
    const located = await catalog
      .locate({ collection: ref.collection, generation }, options)
      .catch((error: unknown) => {
        if (error instanceof RetrievalError && error.code === 'collection_not_found') return null;
        throw error;
      });
    if (located === null) continue;
    const writes = documents.map((write) => ({ ...write, chunks: chunks.get(write.document.id) ?? [] }));
    batches.push({ generation, pin, analyzed: analyzeBatch(located, pin, writes) });
  }
  return batches;
}
