/**
 * The vector leg: exact where few vectors match or no index is built, through the index where
 * many do, and exact again when the index found too few.
 */
import { toSql } from 'pgvector';
import type { Filter } from '../../model.js';
import type { CallOptions, LegHit, VectorLegPlan, VectorLegQuery } from '../port.js';
import type { Located } from './catalog.js';
import type { Database, Row, Session, Statement } from './database.js';
import { createParameters, filterSql, searchedBuckets, vectorsFilterSql } from './filter-sql.js';
import { allBuckets, partitionsOf } from './partitions.js';
import { bucketRowSchema, countedRowSchema, hitRowSchema, readRow } from './rows.js';
import { DEFAULT_EF_SEARCH } from './session-settings.js';
import { DISTANCE_OPERATORS, indexedSql, isHalved, partitionTable, scoreSql } from './tables.js';

/**
 * Up to this many matches are compared one by one. Of 100,000 vectors, 10,000 matches took 15 ms so,
 * and 35 ms through the index at a recall of 0.999.
 */
const EXACT_MATCHES = 10_000;
/**
 * So few only, where most of what is in the partitions searched matches: their graphs then answer as
 * if there were no filter. Of 6,250 vectors in a partition, comparing all took 13 ms.
 */
const EXACT_MATCHES_OF_MOST = 2000;
/**
 * Under a filter the index is asked for at least this many, of which the best k are kept: what it
 * comes upon first is not what is nearest. Where 30 % match and are topics of their own, ten out of
 * ten had a recall of 0.91, and ten out of a hundred 0.99.
 */
const LEAST_FILTERED = 100;
/** The extension's own limit. */
const MAX_EF_SEARCH = 1000;

export interface VectorLegAnswer {
  readonly hits: readonly LegHit[];
  readonly plan: VectorLegPlan;
}

/** @param exactMatches up to so many matches of a filter are compared one by one */
export async function vectorLeg(
  database: Database,
  located: Located,
  query: VectorLegQuery,
  options: CallOptions | undefined,
  exactMatches = EXACT_MATCHES,
): Promise<VectorLegAnswer> {
  if (query.exact === true || !located.indexBuilt) return exact(database, located, query, null, options);
  const counted =
    query.filter.kind === 'all'
      ? null
      : await countMatches(database, located, query.filter, exactMatches + 1, options);
  const matches = counted?.matches ?? null;
  const most = counted?.isMost === true ? Math.min(exactMatches, EXACT_MATCHES_OF_MOST) : exactMatches;
  if (matches !== null && matches <= most) return exact(database, located, query, matches, options);

  const rows = await approximate(database, located, query, options);
  const least = Math.min(query.k, matches ?? located.chunkCount);
  // The index starved the query: search on, exactly.
  if (rows.length < least) return exact(database, located, query, matches, options);
  return { hits: toHits(rows.slice(0, query.k)), plan: { strategy: 'approximate', matches } };
}

/** How a score is computed, one expression for every statement, so that equal chunks score alike. */
export function vectorScoreSql(located: Located, vector: string): string {
  const { metric } = located.collection.generation;
  return scoreSql(metric, `v.embedding ${DISTANCE_OPERATORS[metric]} ${vector}::vector`);
}

interface Counted {
  readonly matches: number;
  /** Whether they are at least half of what is in the partitions searched, where these are not all. */
  readonly isMost: boolean;
}

/** Matches of a filter, counted no further than it takes to choose a way. */
async function countMatches(
  database: Database,
  located: Located,
  filter: Filter,
  most: number,
  options: CallOptions | undefined,
): Promise<Counted> {
  const parameters = createParameters();
  const { vectors } = located.tables;
  const buckets = searchedBuckets(filter, located.collection.generation.index);
  const condition = vectorsFilterSql(filter, located, parameters, buckets);
  const limit = parameters.add(most);
  const names = (buckets ?? []).map((bucket) => partitionTable(vectors, bucket));
  // As `analyze` last saw it; -1 before.
  const rows =
    names.length === 0
      ? 'null::float8'
      : `(select sum(reltuples)::float8 from pg_class where oid = any(${parameters.add(names)}::regclass[]))`;
  const [row] = await database.query(
    {
      text: `select count(*)::integer as matches, ${rows} as rows from
        (select from ${vectors} v where ${condition} limit ${limit}::integer) matching`,
      values: parameters.values,
    },
    options,
  );
  const counted = readRow(countedRowSchema, row ?? {});
  return {
    matches: counted.matches,
    isMost: counted.rows !== null && counted.rows > 0 && counted.matches * 2 >= counted.rows,
  };
}

async function exact(
  database: Database,
  located: Located,
  query: VectorLegQuery,
  matches: number | null,
  options: CallOptions | undefined,
): Promise<VectorLegAnswer> {
  const parameters = createParameters(toSql(Array.from(query.vector)), query.k);
  const condition = vectorsFilterSql(query.filter, located, parameters);
  const rows = await database.query(
    {
      ...(query.filter.kind === 'all' ? { name: `exact_${String(located.collection.generation.id)}` } : {}),
      // Ordered by the score and not by the distance alone, which the index would answer.
      text: `select v.chunk_id, v.document_id, ${vectorScoreSql(located, '$1')} as score
        from ${located.tables.vectors} v where ${condition}
        order by score desc, v.chunk_id limit $2::integer`,
      values: parameters.values,
    },
    options,
  );
  return { hits: toHits(rows), plan: { strategy: 'exact', matches } };
}

async function approximate(
  database: Database,
  located: Located,
  query: VectorLegQuery,
  options: CallOptions | undefined,
): Promise<readonly Row[]> {
  const { index } = located.collection.generation;
  // Half-precision distances put near ones in another order, too.
  const isRough = query.filter.kind !== 'all' || isHalved(index);
  const wanted = isRough ? Math.max(query.k, LEAST_FILTERED) : query.k;
  const breadth = Math.min(MAX_EF_SEARCH, Math.max(query.efSearch ?? DEFAULT_EF_SEARCH, query.k));
  const buckets = searchedBuckets(query.filter, index);
  const statement = (of: readonly number[] | null): Statement => {
    const parameters = createParameters(toSql(Array.from(query.vector)), wanted);
    const condition = vectorsFilterSql(query.filter, located, parameters, of);
    return { text: approximateSql(located, condition), values: parameters.values };
  };
  const partitions = query.filter.kind === 'all' ? null : partitionsOf(index);
  const candidates = partitions === null ? [] : (buckets ?? allBuckets(partitions));
  const isSpread = candidates.length > 1;
  if (breadth === DEFAULT_EF_SEARCH && !isSpread) return database.query(statement(buckets), options);
  return database.transaction(async (session) => {
    // One snapshot: a document that changes its partition meanwhile is in one of the two.
    if (isSpread) await session.query({ text: 'set transaction isolation level repeatable read, read only' });
    if (breadth !== DEFAULT_EF_SEARCH) {
      await session.query({ text: `set local hnsw.ef_search = ${String(Math.trunc(breadth))}` });
    }
    const occupied = isSpread ? await withMatches(session, located, query.filter, candidates) : buckets;
    return session.query(statement(occupied));
  }, options);
}

/**
 * Those of the partitions in which the filter matches anything: a graph without a match would be
 * walked to its end before that shows.
 */
async function withMatches(
  session: Session,
  located: Located,
  filter: Filter,
  buckets: readonly number[],
): Promise<readonly number[]> {
  const parameters = createParameters(buckets);
  const condition = filterSql(filter, located.columns, parameters);
  const rows = await session.query({
    text: `select asked.bucket from unnest($1::integer[]) as asked(bucket)
      cross join lateral (
        select from ${located.tables.vectors} v where v.bucket = asked.bucket and (${condition}) limit 1
      ) found order by asked.bucket`,
    values: parameters.values,
  });
  return rows.map((row) => readRow(bucketRowSchema, row).bucket);
}

/**
 * The nearest vectors through the index, or through those of the partitions. The inner order is the
 * bare distance operator, ascending:
 * any other form of it (`1 - distance desc`) would read the whole table.
 */
export function approximateSql(located: Located, condition: string): string {
  const { metric, index, pin } = located.collection.generation;
  const stored = indexedSql('v.embedding', index, pin.dimensions);
  // Of two casts the first would say what the parameter is, and the scores need it whole.
  const asked = indexedSql('$1::vector', index, pin.dimensions);
  return `with nearest as materialized (
      select v.chunk_id, v.document_id, v.embedding
      from ${located.tables.vectors} v where ${condition}
      order by ${stored} ${DISTANCE_OPERATORS[metric]} ${asked} limit $2::integer
    )
    select v.chunk_id, v.document_id, ${vectorScoreSql(located, '$1')} as score
    from nearest v order by score desc, v.chunk_id`;
}

function toHits(rows: readonly Row[]): readonly LegHit[] {
  return rows
    .map((row) => readRow(hitRowSchema, row))
    .map((row) => ({ chunkId: row.chunk_id, documentId: row.document_id, score: row.score }));
}
