/**
 * A segment is what one batch of writes adds to the postings: a row a term. Reading a term takes a
 * row a segment, so many small segments are merged after a load. Merged ones stay small enough that
 * replacing a document, which rewrites the rows of its terms, stays cheap.
 */
import { z } from 'zod';
import type { Session } from './database.js';
import { readRow } from './rows.js';
import type { GenerationTables } from './tables.js';

/** Most keys that a merged segment spans. */
const MAX_KEYS = 32_768;
/** Fewer small neighbours than this are left alone, so that a row is not rewritten for each small load. */
const MIN_SEGMENTS = 8;

const segmentRowSchema = z.object({ segment: z.number() });

/** The caller holds the generation's lock. @returns whether there was anything to merge */
export async function mergeSegments(
  session: Session,
  { postings }: GenerationTables,
  nextKey: number,
): Promise<boolean> {
  // One look-up in the index a segment, where DISTINCT would read all postings.
  const rows = await session.query({
    text: `with recursive present as (
        select min(segment) as segment from ${postings}
        union all
        select (select min(segment) from ${postings} p where p.segment > present.segment) from present
        where present.segment is not null
      )
      select segment::float8 as segment from present where segment is not null order by segment`,
  });
  const segments = rows.map((row) => readRow(segmentRowSchema, row).segment);
  const runs = runsToMerge(segments, nextKey);
  for (const { first, last } of runs) {
    // Grouping reads all deleted rows before the first is written, so no two have one key.
    await session.query({
      text: `with gone as (
          delete from ${postings} where segment between $1 and $2 returning term, segment, size, entries
        )
        insert into ${postings} (term, segment, size, entries)
        select term, $1::bigint, sum(size)::integer, string_agg(entries, ''::bytea order by segment)
        from gone group by term`,
      values: [first, last],
    });
  }
  return runs.length > 0;
}

/** Runs of neighbours that together span few enough keys. A segment ends where the next begins. */
export function runsToMerge(
  segments: readonly number[],
  nextKey: number,
): readonly { readonly first: number; readonly last: number }[] {
  const runs: { readonly first: number; readonly last: number }[] = [];
  let run: number[] = [];
  const finish = (): void => {
    const [first] = run;
    const last = run.at(-1);
    if (first !== undefined && last !== undefined && run.length >= MIN_SEGMENTS) runs.push({ first, last });
    run = [];
  };
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1] ?? nextKey;
    if (end - (run[0] ?? segment) > MAX_KEYS) finish();
    run.push(segment);
  }
  finish();
  return runs;
}
