/** Taking documents out: with their chunks, vectors, postings and elements. */
import type { CallOptions } from '../port.js';
import { createBinds, inList, integer, slices, text } from './binds.js';
import type { Binds } from './binds.js';
import type { Located } from './catalog.js';
import type { Database, Session } from './database.js';
import { lockGeneration } from './lock-generation.js';
import type { Names } from './names.js';

export interface Removed {
  readonly documents: number;
  readonly chunks: number;
  /** Terms in them together, repeats included. */
  readonly terms: number;
}

/** Documents taken out by one statement. */
const SLICE = 256;

/** The caller holds the generation's lock and takes the answer off its counters. */
export async function removeDocuments(
  session: Session,
  { documents, elements, tables }: Located,
  ids: readonly string[],
): Promise<Removed> {
  const removed = { documents: 0, chunks: 0, terms: 0 };
  for (const part of slices(ids, SLICE)) {
    const binds = createBinds();
    const condition = inList(
      'document_id',
      part.map((id) => text(id)),
      binds,
    );
    const [count] = await session.query({
      text: `SELECT COUNT(*) AS chunks, COALESCE(SUM(term_count), 0) AS terms FROM ${tables.chunks} WHERE ${condition}`,
      binds: binds.values,
    });
    removed.chunks += Number(count?.['chunks'] ?? 0);
    removed.terms += Number(count?.['terms'] ?? 0);
    await session.run({
      text: `DELETE FROM ${tables.postings} WHERE chunk_key IN (SELECT chunk_key FROM ${tables.chunks} WHERE ${condition})`,
      binds: binds.values,
    });
    for (const table of [tables.vectors, tables.chunks, elements]) {
      await session.run({ text: `DELETE FROM ${table} WHERE ${condition}`, binds: binds.values });
    }
    removed.documents += await session.run({
      text: `DELETE FROM ${documents} WHERE ${condition}`,
      binds: binds.values,
    });
  }
  return removed;
}

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
  const generation = collection.generation.id;
  return database.transaction(async (session) => {
    // The lock first: a document that is being written now is deleted after it, whole.
    await lockGeneration(session, names, { collection: collection.name, generation });
    const ids =
      'ids' in doomed
        ? doomed.ids
        : (
            await session.query({
              text: `SELECT t.document_id FROM ${documents} t WHERE ${doomed.condition}`,
              binds: doomed.binds.values,
            })
          ).map((row) => String(row['document_id']));
    const removed = await removeDocuments(session, located, ids);
    await session.run({
      text: `UPDATE ${names.generations} SET chunk_count = chunk_count - :b_1, term_count = term_count - :b_2
        WHERE id = :b_3`,
      binds: { b_1: integer(removed.chunks), b_2: integer(removed.terms), b_3: integer(generation) },
    });
    return removed.documents;
  }, options);
}
