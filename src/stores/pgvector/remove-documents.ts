/** Taking documents' chunks out of a generation, and their words out of its postings. */
import type { Session } from './database.js';
import type { GenerationTables } from './tables.js';

export interface Removed {
  readonly chunks: number;
  /** Terms in them together, repeats included. */
  readonly terms: number;
}

/**
 * Removes the chunks, vectors and postings of documents. The caller holds the generation's lock
 * and takes the answer off its counters.
 */
export async function removeChunks(
  session: Session,
  tables: GenerationTables,
  documentIds: readonly string[],
): Promise<Removed> {
  const [gone] = await session.query({
    text: `with gone as (
        delete from ${tables.chunks} where document_id = any($1) returning key, segment, terms, length
      ), vectors as (
        delete from ${tables.vectors} where key in (select key from gone)
      )
      select count(*)::integer as chunks, coalesce(sum(length), 0)::float8 as length,
        coalesce(array_agg(key), '{}') as keys, coalesce(array_agg(distinct segment), '{}') as segments,
        array(select distinct unnest(terms) from gone) as terms
      from gone`,
    values: [documentIds],
  });
  const chunks = Number(gone?.['chunks'] ?? 0);
  if (gone === undefined || chunks === 0) return { chunks: 0, terms: 0 };
  await session.query({
    text: `with kept as (
        select term, segment, count(*)::integer as size, array_agg(key order by key) as keys,
          array_agg(frequency order by key) as frequencies, array_agg(length order by key) as lengths
        from (
          select p.term, p.segment, e.key, e.frequency, e.length
          from ${tables.postings} p, unnest(p.keys, p.frequencies, p.lengths) as e(key, frequency, length)
          where p.segment = any($2::bigint[]) and p.term = any($3::text[])
        ) entry
        where not exists (select from unnest($1::bigint[]) as removed(key) where removed.key = entry.key)
        group by term, segment
      ), emptied as (
        delete from ${tables.postings} p
        where p.segment = any($2::bigint[]) and p.term = any($3::text[])
          and not exists (select from kept where kept.term = p.term and kept.segment = p.segment)
      )
      update ${tables.postings} p
      set size = kept.size, keys = kept.keys, frequencies = kept.frequencies, lengths = kept.lengths
      from kept
      where p.term = kept.term and p.segment = kept.segment and p.size <> kept.size`,
    values: [gone['keys'], gone['segments'], gone['terms']],
  });
  return { chunks, terms: Number(gone['length']) };
}
