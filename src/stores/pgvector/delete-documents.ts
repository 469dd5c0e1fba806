/** Deleting documents by a condition, with everything that was made from them. */
import type { CallOptions } from '../port.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { removeChunks } from './remove-documents.js';
import { lockGeneration } from './write-documents.js';

/** @param condition over the documents table; @returns how many documents went */
export function deleteDocuments(
  database: Database,
  located: Located,
  condition: string,
  values: readonly unknown[],
  options: CallOptions | undefined,
): Promise<number> {
  const { collection, documents, tables } = located;
  return database.transaction(async (session) => {
    // The lock first: a document that is being written now is deleted after it, whole.
    await lockGeneration(session, { collection: collection.name, generation: collection.generation.id });
    const rows = await session.query({
      text: `delete from ${documents} where ${condition} returning id`,
      values,
    });
    const removed = await removeChunks(
      session,
      tables,
      rows.map((row) => String(row['id'])),
    );
    await session.query({
      text: `update plumbline.generations set chunk_count = chunk_count - $2, term_count = term_count - $3
        where id = $1`,
      values: [collection.generation.id, removed.chunks, removed.terms],
    });
    return rows.length;
  }, options);
}
