/** Taking documents out: their chunks, vectors and postings of one generation; their rows and elements. */
import { createBinds, inList, slices, text } from './binds.js';
import type { Binds } from './binds.js';
import type { Session } from './database.js';
import type { CollectionTables, GenerationTables } from './names.js';

/** Documents taken out by one statement. */
const SLICE = 256;

export interface RemovedChunks {
  readonly chunks: number;
  /** Terms in them together, repeats included. */
  readonly terms: number;
}

/** Documents' chunks in one generation. The caller takes the answer off its counters. */
export async function removeChunks(
  session: Session,
  tables: GenerationTables,
  documentIds: readonly string[],
): Promise<RemovedChunks> {
  const removed = { chunks: 0, terms: 0 };
  for (const { condition, binds } of conditionsOf(documentIds)) {
    const [count] = await session.query({
      text: `SELECT COUNT(*) AS chunks, COALESCE(SUM(term_count), 0) AS terms FROM ${tables.chunks} WHERE ${condition}`,
      binds,
    });
    removed.chunks += Number(count?.['chunks'] ?? 0);
    removed.terms += Number(count?.['terms'] ?? 0);
    await session.run({
      text: `DELETE FROM ${tables.postings} WHERE chunk_key IN (SELECT chunk_key FROM ${tables.chunks} WHERE ${condition})`,
      binds,
    });
    for (const table of [tables.vectors, tables.chunks]) {
      await session.run({ text: `DELETE FROM ${table} WHERE ${condition}`, binds });
    }
  }
  return removed;
}

/** What a collection keeps of documents, their chunks aside. @returns how many documents went */
export async function removeDocumentRows(
  session: Session,
  { documents, elements }: CollectionTables,
  documentIds: readonly string[],
): Promise<number> {
  let removed = 0;
  for (const { condition, binds } of conditionsOf(documentIds)) {
    await session.run({ text: `DELETE FROM ${elements} WHERE ${condition}`, binds });
    removed += await session.run({ text: `DELETE FROM ${documents} WHERE ${condition}`, binds });
  }
  return removed;
}

function conditionsOf(
  documentIds: readonly string[],
): readonly { readonly condition: string; readonly binds: Binds['values'] }[] {
  return slices(documentIds, SLICE).map((part) => {
    const binds = createBinds();
    const ids = part.map((id) => text(id));
    return { condition: inList('document_id', ids, binds), binds: binds.values };
  });
}
