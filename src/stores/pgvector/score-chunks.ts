/** Exact scores of given chunks in both legs: the completion of a query's candidates. */
import { toSql } from 'pgvector';
import { z } from 'zod';
import type { CallOptions, ChunkScores } from '../port.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { createParameters } from './filter-sql.js';
import { frequenciesSql, scoreOf, weighQuestion } from './keyword-leg.js';
import { readRow } from './rows.js';
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
  const question =
    query.text === undefined ? null : await weighQuestion(database, located, query.text, options);
  const parameters = createParameters(query.chunkIds, question?.terms.map(({ term }) => term) ?? []);
  const vector =
    query.vector === undefined
      ? 'null::float8'
      : vectorScoreSql(located, parameters.add(toSql(Array.from(query.vector))));
  const rows = await database.query(
    {
      name: `score_${String(located.collection.generation.id)}_${query.vector === undefined ? 'k' : 'v'}`,
      text: `select c.chunk_id, c.length, ${vector} as vector, ${frequenciesSql('c', '$2')} as frequencies
        from ${located.tables.chunks} c join ${located.tables.vectors} v on v.key = c.key
        where c.chunk_id = any($1::text[])`,
      values: parameters.values,
    },
    options,
  );
  return new Map(
    rows
      .map((row) => readRow(rowSchema, row))
      .map((row) => [
        row.chunk_id,
        {
          vector: row.vector,
          keyword: question === null ? null : scoreOf(question, row.frequencies, row.length),
        },
      ]),
  );
}
