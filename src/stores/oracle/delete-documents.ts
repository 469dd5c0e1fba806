/** Deleting documents, with everything that was made from them in any generation. */
import type { CallOptions } from '../port.js';
import type { Binds } from './binds.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { lockCollection } from './locks.js';
import type { Names } from './names.js';
import { removeDocumentRows } from './remove-documents.js';
import { replaceChunks } from './write-chunks.js';

/** What of a collection's documents goes: those of the ids, or those that match over `t`. */
export type Doomed =
  { readonly ids: readonly string[] } | { readonly condition: string; readonly binds: Binds };

/** @returns how many documents went */
export function deleteDocuments(
  database: Database,
  names: Names,
  located: Located,
  doomed: Doomed,
  options: CallOptions | undefined,
): Promise<number> {
  const { collection, documents } = located;
  return database.transaction(async (session) => {
    // The locks first: a document that is being written now is deleted after it, whole.
    const { generations } = await lockCollection(session, names, collection.name);
    const ids =
      'ids' in doomed
        ? doomed.ids
        : (
            await session.query({
              text: `SELECT t.document_id FROM ${documents} t WHERE ${doomed.condition}`,
              binds: doomed.binds.values,
            })
          ).map((row) => String(row['document_id']));
    for (const generation of generations) {
      await replaceChunks(session, names, generation, ids, []);
    }
    return removeDocumentRows(session, located, ids);
  }, options);
}
