/**
 * BM25 over the postings. The database hands over the question's postings; they are scored here, by
 * the functions all stores share, so that scores are equal to the bit.
 */
import { z } from 'zod';
import { analyzerOf, countTerms } from '../../analysis/analyzer.js';
import { bm25, weighTerms } from '../../analysis/bm25.js';
import type { Filter } from '../../model.js';
import type { CallOptions, KeywordLegQuery, LegHit } from '../port.js';
import type { Located } from './catalog.js';
import type { Database, Row, Session } from './database.js';
import { createParameters, searchedBuckets, vectorsFilterSql } from './filter-sql.js';
import { kthLargest } from './kth-largest.js';
import { partitionsOf } from './partitions.js';
import { readRow, readRows, statisticsRowSchema, termRowSchema } from './rows.js';
import { joinVectors } from './tables.js';
import { withScores } from './score-postings.js';
import type { FoundPostings, Scored, WeighedQuestion } from './score-postings.js';

/** How much each term of a question weighs now. @param counts term → how often the question has it */
export async function weighQuestion(
  database: Database,
  located: Located,
  counts: ReadonlyMap<string, number>,
  options: CallOptions | undefined,
): Promise<WeighedQuestion> {
  if (counts.size === 0) return NOTHING;
  const { generation } = located.collection;
  const rows = await database.query(
    {
      name: `weigh_${String(generation.id)}`,
      text: `select g.chunk_count as chunks, g.term_count as terms, p.term, p.frequency
        from plumbline.generations g
        left join (select term, sum(size)::float8 as frequency from ${located.tables.postings}
          where term = any($2::text[]) group by term) p on true
        where g.id = $1`,
      values: [generation.id, [...counts.keys()]],
    },
    options,
  );
  if (rows[0] === undefined) return NOTHING;
  const found = readRows(
    termRowSchema,
    rows.filter((row) => row['term'] !== null),
  );
  return weigh(
    counts,
    readRow(statisticsRowSchema, rows[0]),
    new Map(found.map(({ term, frequency }) => [term, frequency])),
  );
}

const NOTHING: WeighedQuestion = { terms: [], averageLength: 0 };

function weigh(
  counts: ReadonlyMap<string, number>,
  { chunks, terms: totalLength }: { readonly chunks: number; readonly terms: number },
  documentFrequency: ReadonlyMap<string, number>,
): WeighedQuestion {
  return {
    terms: weighTerms(counts, { chunks, totalLength, documentFrequency }),
    averageLength: totalLength / chunks,
  };
}

export async function keywordLeg(
  database: Database,
  located: Located,
  query: KeywordLegQuery,
  options: CallOptions | undefined,
): Promise<readonly LegHit[]> {
  const counts = termsOf(located, query.text);
  if (counts.size === 0) return [];
  const hits = await search((statement) => database.query(statement, options), located, query, counts);
  // A write came between the statements. It is rare, and one snapshot for both costs as much as they do.
  return (
    hits ??
    (await database.transaction(async (session) => {
      await session.query({ text: 'set transaction isolation level repeatable read, read only' });
      return search((statement) => session.query(statement), located, query, counts);
    }, options)) ??
    []
  );
}

/** The hits; null when something was written between the statements. */
async function search(
  run: Session['query'],
  located: Located,
  query: KeywordLegQuery,
  counts: ReadonlyMap<string, number>,
): Promise<readonly LegHit[] | null> {
  const read = await readQuestion(run, located, counts);
  if (read === null) return [];
  return withScores(read.question, read.found, (scored) =>
    findHits(run, located, query, scored, read.version),
  );
}

async function findHits(
  run: Session['query'],
  located: Located,
  query: KeywordLegQuery,
  { keys, scores, scratch }: Scored,
  version: string,
): Promise<readonly LegHit[] | null> {
  if (keys.length === 0) return [];
  const hits: LegHit[] = [];
  let below = Infinity;
  // With a filter the best ones may not match: look further down, at more each time.
  for (let depth = query.filter.kind === 'all' ? query.k : query.k * 10; ; depth *= 16) {
    // All of one score are looked at together, for their order is that of their ids.
    const border = kthLargest(scores, depth, scratch);
    const wanted = new Map<number, number>();
    for (let index = 0; index < scores.length; index += 1) {
      const score = scores[index] ?? 0;
      if (score >= border && score < below) wanted.set(keys[index] ?? 0, score);
    }
    const matches = await readMatches(run, located, query.filter, [...wanted.keys()], version);
    if (matches === null) return null;
    for (const { key, chunkId, documentId } of matches) {
      hits.push({ chunkId, documentId, score: wanted.get(key) ?? 0 });
    }
    if (hits.length >= query.k || border === -Infinity) return hits.sort(compareHits).slice(0, query.k);
    below = border;
  }
}

interface ReadQuestion {
  readonly question: WeighedQuestion;
  readonly found: FoundPostings;
  readonly version: string;
}

const versionRowSchema = z.object({ next_key: z.number(), chunks: statisticsRowSchema.shape.chunks });

/** Changes with every write and every removal of chunks. */
function versionOf(row: Row): string {
  const { next_key: nextKey, chunks } = readRow(versionRowSchema, row);
  return `${String(nextKey)} ${String(chunks)}`;
}

const postingsRowSchema = z.object({
  term: z.string(),
  segment: z.number(),
  size: z.number(),
  entries: z.instanceof(Buffer),
});

async function readQuestion(
  run: Session['query'],
  located: Located,
  counts: ReadonlyMap<string, number>,
): Promise<ReadQuestion | null> {
  const { generation } = located.collection;
  const rows = await run({
    name: `postings_${String(generation.id)}`,
    text: `select g.next_key::float8 as next_key, g.chunk_count as chunks, g.term_count as terms,
        p.term, p.segment::float8 as segment, p.size, p.entries
      from plumbline.generations g left join ${located.tables.postings} p on p.term = any($2::text[])
      where g.id = $1`,
    values: [generation.id, [...counts.keys()]],
  });
  if (rows[0] === undefined) return null;
  const segments = new Map<number, Map<string, Buffer>>();
  const frequencies = new Map<string, number>();
  let sum = 0;
  for (const row of rows) {
    if (row['term'] === null) continue;
    const { term, segment, size, entries } = readRow(postingsRowSchema, row);
    sum += size;
    frequencies.set(term, (frequencies.get(term) ?? 0) + size);
    const ofSegment = segments.get(segment) ?? new Map<string, Buffer>();
    segments.set(segment, ofSegment.set(term, entries));
  }
  return {
    question: weigh(counts, readRow(statisticsRowSchema, rows[0]), frequencies),
    found: { segments, size: sum },
    version: versionOf(rows[0]),
  };
}

interface Match {
  readonly key: number;
  readonly chunkId: string;
  readonly documentId: string;
}

const matchRowSchema = z.object({ key: z.number(), chunk_id: z.string(), document_id: z.string() });

/**
 * Up to so many chunks are followed one by one to the partition that each is in. With more, and so
 * few matches that it came to that, the database may well find the filter's own index better.
 */
const ONE_BY_ONE = 2000;

/** Those of the chunks that match the filter; null when something was written since `version`. */
async function readMatches(
  run: Session['query'],
  located: Located,
  filter: Filter,
  keys: readonly number[],
  version: string,
): Promise<readonly Match[] | null> {
  const { tables, collection } = located;
  const { index } = collection.generation;
  const partitions = partitionsOf(index);
  if (filter.kind === 'all') {
    const rows = await run({
      name: `matches_${String(collection.generation.id)}`,
      // The chunks are in one piece: a key is looked up once, and not in each partition.
      text: `select key::float8 as key, chunk_id, document_id
        from ${partitions === null ? tables.vectors : tables.chunks} where key = any($1::bigint[])`,
      values: [keys],
    });
    // A chunk never changes. Where all are still there, nothing was written that matters.
    return rows.length < keys.length ? null : rows.map(toMatch);
  }
  const parameters = createParameters(collection.generation.id, keys);
  const buckets = searchedBuckets(filter, index);
  const condition = vectorsFilterSql(filter, located, parameters, buckets);
  const isSpread = partitions !== null && buckets === null;
  const matching =
    isSpread && keys.length <= ONE_BY_ONE
      ? `(${tables.chunks} c ${joinVectors(tables, index)}) on c.key = any($2::bigint[]) and (${condition})`
      : `${tables.vectors} v on v.key = any($2::bigint[]) and (${condition})`;
  const rows = await run({
    text: `select g.next_key::float8 as next_key, g.chunk_count as chunks,
        v.key::float8 as key, v.chunk_id, v.document_id
      from plumbline.generations g
      left join ${matching}
      where g.id = $1`,
    values: parameters.values,
  });
  if (rows[0] === undefined || versionOf(rows[0]) !== version) return null;
  return rows.filter((row) => row['key'] !== null).map(toMatch);
}

function toMatch(raw: Row): Match {
  const row = readRow(matchRowSchema, raw);
  return { key: row.key, chunkId: row.chunk_id, documentId: row.document_id };
}

/** A question's terms, as its chunks' were made. */
export function termsOf({ collection }: Located, text: string): ReadonlyMap<string, number> {
  return countTerms(analyzerOf(collection.language)(text));
}

/** For each of the question's terms, how often the chunk holds it. */
export function frequenciesSql(chunks: string, terms: string): string {
  return `array(select coalesce(${chunks}.frequencies[array_position(${chunks}.terms, asked.term)], 0)
    from unnest(${terms}::text[]) with ordinality as asked(term, place) order by asked.place)`;
}

/**
 * Scores chunks of which it is known how often they hold each of the terms.
 * @param terms the order in which a chunk's frequencies are given
 */
export function createScorer(
  question: WeighedQuestion,
  terms: readonly string[],
): (frequencies: readonly number[], length: number) => number {
  const places = new Map(terms.map((term, index) => [term, index]));
  return (frequencies, length) =>
    bm25(question.terms, (term) => frequencies[places.get(term) ?? -1] ?? 0, length, question.averageLength);
}

function compareHits(a: LegHit, b: LegHit): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : 0;
}
