/** Exact scores of given chunks in both legs: the completion of a query's candidates. */
import { toSql } from 'pgvector';
import { z } from 'zod';
import type { CallOptions, ChunkScores } from '../port.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { createParameters } from './filter-sql.js';
import { createScorer, frequenciesSql, termsOf, weighQuestion } from './keyword-leg.js';
import { readRow } from './rows.js';
import { joinVectors } from './tables.js';
import { vectorScoreSql } from './vector-leg.js';

const rowSchema = z.object({
  chunk_id: z.string(),
  length: z.number(),
  vector: z.number().nullable(),
  frequencies: z.array(z.number()),
});

export async function scoreChunks(
  database: Database,
  located: Located,
  query: { readonly chunkIds: readonly string[]; readonly vector?: Float32Array; readonly text?: string },
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, ChunkScores>> {
  const counts = query.text === undefined ? null : termsOf(located, query.text);
  const terms = [...(counts?.keys() ?? [])];
  const parameters = createParameters(query.chunkIds, terms);
  const vector =
    query.vector === undefined
      ? 'null::float8'
      : vectorScoreSql(located, parameters.add(toSql(Array.from(query.vector))));
  const scoring = database.query(
    {
      name: `score_${String(located.collection.generation.id)}_${query.vector === undefined ? 'k' : 'v'}`,
      text: `select c.chunk_id, c.length, ${vector} as vector, ${frequenciesSql('c', '$2')} as frequencies
        from ${located.tables.chunks} c ${joinVectors(located.tables, located.collection.generation.index)}
        where c.chunk_id = any($1::text[])`,
      values: parameters.values,
    },
    options,
  );
  // Weighing needs nothing of the chunks: both are asked at once.
  const [question, rows] = await Promise.all([
    counts === null ? null : weighQuestion(database, located, counts, options),
    scoring,
  ]);
  const scoreOf = question === null ? null : createScorer(question, terms);
  return new Map(
    rows
      .map((row) => readRow(rowSchema, row))
      .map((row) => [
        row.chunk_id,
        {
          vector: row.vector,
          keyword: scoreOf === null ? null : scoreOf(row.frequencies, row.length),
        },
      ]),
  );
}
