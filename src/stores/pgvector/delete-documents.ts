/** Deleting documents by a condition, with everything that was made from them. */
import type { Located } from './catalog.js';
import type { Database, RunOptions } from './database.js';
import type { Version } from './progress.js';
import { generationTables } from './tables.js';
import { lockGenerations, replaceChunks } from './write-documents.js';
import { noCollection } from '../refusals.js';

/** @param condition over the documents table; @returns how many documents went, and how far each generation has come */
export function deleteDocuments(
  database: Database,
  located: Located,
  condition: string,
  values: readonly unknown[],
  options: RunOptions | undefined,
): Promise<{ readonly count: number; readonly versions: ReadonlyMap<number, Version> }> {
  const { collection, documents, columns } = located;
  return database.transaction(async (session) => {
    // The locks first: a document that is being written now is deleted after it, whole.
    const locked = await lockGenerations(session, collection.name);
    if (locked.length === 0) throw noCollection(collection.name);
    const rows = await session.query({
      text: `delete from ${documents} where ${condition} returning id`,
      values,
    });
    const ids = rows.map((row) => String(row['id']));
    const versions = new Map<number, Version>();
    for (const generation of locked) {
      const target = { tables: generationTables(generation.id), columns };
      versions.set(generation.id, await replaceChunks(session, target, generation, ids, []));
    }
    return { count: rows.length, versions };
  }, options);
}
