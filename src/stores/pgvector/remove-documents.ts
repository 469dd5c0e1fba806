/** Taking documents' chunks out of a generation, and their words out of its postings. */
import { z } from 'zod';
import type { Partitions } from '../../model.js';
import type { Session } from './database.js';
import { packPostings, postingsWithout } from './postings.js';
import { readRow } from './rows.js';
import type { GenerationTables } from './tables.js';

export interface Removed {
  readonly chunks: number;
  /** Terms in them together, repeats included. */
  readonly terms: number;
}

const goneSchema = z.object({
  length: z.number(),
  keys: z.array(z.number()),
  buckets: z.array(z.number().int()),
  segments: z.array(z.number()),
  terms: z.array(z.string()),
});

const postingsSchema = z.object({ term: z.string(), size: z.number(), entries: z.instanceof(Buffer) });

/**
 * Removes the chunks, vectors and postings of documents. The caller holds the generation's lock
 * and takes the answer off its counters.
 */
export async function removeChunks(
  session: Session,
  tables: GenerationTables,
  partitions: Partitions | null,
  documentIds: readonly string[],
): Promise<Removed> {
  const [row] = await session.query({
    text: `with gone as (
        delete from ${tables.chunks} where document_id = any($1) returning key, terms, length${partitions === null ? '' : ', bucket'}
      )${partitions === null ? `, vectors as (delete from ${tables.vectors} where key in (select key from gone))` : ''}
      select coalesce(sum(length), 0)::float8 as length,
        array(select key::float8 from gone) as keys,
        ${partitions === null ? "'{}'::integer[]" : 'array(select distinct bucket::integer from gone)'} as buckets,
        array(
          select distinct segment::float8 from (
            select (select max(p.segment) from ${tables.postings} p where p.segment <= gone.key) as segment from gone
          ) holding where segment is not null
        ) as segments,
        array(select distinct unnest(terms) from gone) as terms
      from gone`,
    values: [documentIds],
  });
  const gone = readRow(goneSchema, row);
  for (const bucket of gone.buckets) {
    // Said as a number, it is the one partition that is looked into.
    await session.query({
      text: `delete from ${tables.vectors} where bucket = ${String(Math.trunc(bucket))} and key = any($1::bigint[])`,
      values: [gone.keys],
    });
  }
  const keys = new Set(gone.keys);
  // One after another: all at once may be more than fits into memory.
  for (const segment of gone.segments) {
    await removePostings(session, tables.postings, segment, gone.terms, keys);
  }
  return { chunks: gone.keys.length, terms: gone.length };
}

async function removePostings(
  session: Session,
  table: string,
  segment: number,
  terms: readonly string[],
  keys: ReadonlySet<number>,
): Promise<void> {
  const rows = await session.query({
    text: `select term, size, entries from ${table} where segment = $1 and term = any($2::text[])`,
    values: [segment, terms],
  });
  const emptied: string[] = [];
  const changed: { readonly term: string; readonly size: number; readonly entries: Buffer }[] = [];
  for (const row of rows) {
    const { term, size, entries } = readRow(postingsSchema, row);
    const kept = postingsWithout(entries, keys);
    if (kept.length === 0) emptied.push(term);
    else if (kept.length < size) changed.push({ term, size: kept.length, entries: packPostings(kept) });
  }
  if (emptied.length > 0) {
    await session.query({
      text: `delete from ${table} where segment = $1 and term = any($2::text[])`,
      values: [segment, emptied],
    });
  }
  if (changed.length > 0) {
    await session.query({
      text: `update ${table} p set size = kept.size, entries = kept.entries
        from unnest($2::text[], $3::integer[], $4::bytea[]) as kept(term, size, entries)
        where p.segment = $1 and p.term = kept.term`,
      values: [
        segment,
        changed.map(({ term }) => term),
        changed.map(({ size }) => size),
        changed.map(({ entries }) => entries),
      ],
    });
  }
}
