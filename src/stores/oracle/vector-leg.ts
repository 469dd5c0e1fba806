/**
 * The vector leg: exact where few vectors match or no index is built, through the index where
 * many do, and exact again when the index found too few.
 */
import type { Filter } from '../../model.js';
import type { CallOptions, LegHit, VectorLegPlan, VectorLegQuery } from '../port.js';
import { createBinds, integer, vector } from './binds.js';
import type { Binds } from './binds.js';
import type { Located } from './catalog.js';
import type { Database, Row } from './database.js';
import { filterSql } from './filter-sql.js';
import { hitRowSchema, readRows } from './rows.js';
import { TARGET_ACCURACY, distanceSql, scoreOf } from './tables.js';

/** Up to this many matches are compared one by one: exact, and no slower than the index. */
const EXACT_MATCHES = 5000;
/** Breadth of the graph's search that a query may ask for. */
const MAX_EF_SEARCH = 1000;

export interface VectorLegAnswer {
  readonly hits: readonly LegHit[];
  readonly plan: VectorLegPlan;
}

export async function vectorLeg(
  database: Database,
  located: Located,
  query: VectorLegQuery,
  options: CallOptions | undefined,
): Promise<VectorLegAnswer> {
  const ask = async (toSql: typeof exactSql): Promise<readonly LegHit[]> => {
    const binds = createBinds();
    const text = toSql(located, query, binds);
    return toHits(located, await database.query({ text, binds: binds.values }, options));
  };
  const exact = async (matches: number | null): Promise<VectorLegAnswer> => ({
    hits: await ask(exactSql),
    plan: { strategy: 'exact', matches },
  });
  if (query.exact === true || !located.indexBuilt) return exact(null);
  const matches =
    query.filter.kind === 'all' ? null : await countMatches(database, located, query.filter, options);
  if (matches !== null && matches <= EXACT_MATCHES) return exact(matches);

  const hits = await ask(approximateSql);
  // The index starved the query: search on, exactly.
  if (hits.length < Math.min(query.k, matches ?? located.chunkCount)) return exact(matches);
  return { hits, plan: { strategy: 'approximate', matches } };
}

/** Matches of a filter, counted no further than it takes to choose a way. */
async function countMatches(
  database: Database,
  located: Located,
  filter: Filter,
  options: CallOptions | undefined,
): Promise<number> {
  const binds = createBinds();
  const condition = filterSql(filter, located, binds);
  const limit = binds.add(integer(EXACT_MATCHES + 1));
  const [row] = await database.query(
    {
      text: `SELECT COUNT(*) AS matches FROM (
        SELECT t.chunk_key FROM ${located.tables.vectors} t WHERE ${condition} FETCH FIRST ${limit} ROWS ONLY) n`,
      binds: binds.values,
    },
    options,
  );
  return Number(row?.['matches'] ?? 0);
}

function exactSql(located: Located, query: VectorLegQuery, binds: Binds): string {
  const distance = distanceSql(located.collection.generation.metric, binds.add(vector(query.vector)));
  const condition = filterSql(query.filter, located, binds);
  const k = binds.add(integer(query.k));
  return `SELECT t.chunk_id, t.document_id, ${distance} AS distance FROM ${located.tables.vectors} t
    WHERE ${condition} ORDER BY ${distance}, t.chunk_id FETCH EXACT FIRST ${k} ROWS ONLY`;
}

/**
 * The nearest through the index: ordered by the bare distance, or the index would not serve. Their
 * distances are computed again from the stored vectors, so that a chunk scores the same however it
 * is found.
 */
export function approximateSql(located: Located, query: VectorLegQuery, binds: Binds): string {
  const { metric, index } = located.collection.generation;
  const distance = distanceSql(metric, binds.add(vector(query.vector)));
  const condition = filterSql(query.filter, located, binds);
  const k = binds.add(integer(query.k));
  const breadth = Math.trunc(Math.min(MAX_EF_SEARCH, Math.max(query.efSearch ?? 0, query.k)));
  const accuracy =
    index.kind === 'hnsw' && query.efSearch !== undefined
      ? `PARAMETERS (EFSEARCH ${String(breadth)})`
      : String(TARGET_ACCURACY);
  const { vectors } = located.tables;
  return `SELECT t.chunk_id, t.document_id, ${distance} AS distance
    FROM (SELECT t.chunk_key FROM ${vectors} t WHERE ${condition} ORDER BY ${distance}
      FETCH APPROX FIRST ${k} ROWS ONLY WITH TARGET ACCURACY ${accuracy}) n
    JOIN ${vectors} t ON t.chunk_key = n.chunk_key`;
}

/** Best first, ties by chunk id. */
function toHits(located: Located, rows: readonly Row[]): readonly LegHit[] {
  const { metric } = located.collection.generation;
  return readRows(hitRowSchema, rows)
    .map((row) => ({
      chunkId: row.chunk_id,
      documentId: row.document_id,
      score: scoreOf(metric, row.distance),
    }))
    .sort((a, b) => b.score - a.score || (a.chunkId < b.chunkId ? -1 : 1));
}
