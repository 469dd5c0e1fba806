/** Exact scores of given chunks in both legs: the completion of a query's candidates. */
import type { CallOptions, ChunkScores } from '../port.js';
import { createBinds, inList, integer, vector } from './binds.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { scoreOf, weighQuestion } from './keyword-leg.js';
import type { WeighedQuestion } from './keyword-leg.js';
import type { Names } from './names.js';
import { inParts } from './read-documents.js';
import { postingRowSchema, readRows, scoredRowSchema } from './rows.js';
import { scoreOf as vectorScoreOf, distanceSql } from './tables.js';

export async function scoreChunks(
  database: Database,
  names: Names,
  located: Located,
  query: { readonly chunkIds: readonly string[]; readonly vector?: Float32Array; readonly text?: string },
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, ChunkScores>> {
  const { tables, collection } = located;
  const { metric } = collection.generation;
  const question =
    query.text === undefined ? null : await weighQuestion(database, names, located, query.text, options);
  const asked = query.vector;
  const rows = await inParts(query.chunkIds, async (part) => {
    const binds = createBinds();
    const distance = asked === undefined ? 'NULL' : distanceSql(metric, binds.add(vector(asked)));
    const condition = inList('c.chunk_id', part, binds);
    const found = await database.query(
      {
        text: `SELECT c.chunk_id, c.chunk_key, c.term_count, ${distance} AS distance FROM ${tables.chunks} c
          JOIN ${tables.vectors} t ON t.chunk_key = c.chunk_key WHERE ${condition}`,
        binds: binds.values,
      },
      options,
    );
    return readRows(scoredRowSchema, found);
  });
  const frequencies =
    question === null
      ? new Map<number, ReadonlyMap<string, number>>()
      : await termFrequencies(
          database,
          located,
          question,
          rows.map((row) => row.chunk_key),
          options,
        );
  return new Map(
    rows.map((row) => [
      row.chunk_id,
      {
        vector: row.distance === null ? null : vectorScoreOf(metric, row.distance),
        keyword:
          question === null
            ? null
            : scoreOf(question, frequencies.get(row.chunk_key) ?? new Map(), row.term_count),
      },
    ]),
  );
}

/** How often each of the chunks holds each of the question's terms. */
async function termFrequencies(
  database: Database,
  { tables }: Located,
  question: WeighedQuestion,
  keys: readonly number[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
  const frequencies = new Map<number, Map<string, number>>(keys.map((key) => [key, new Map()]));
  if (keys.length === 0) return frequencies;
  const rows = await inParts(
    question.terms.map(({ term }) => term),
    (part) => {
      const binds = createBinds();
      const terms = inList('p.term', part, binds);
      const chunks = inList(
        'p.chunk_key',
        keys.map((key) => integer(key)),
        binds,
      );
      return database.query(
        {
          text: `SELECT p.chunk_key, p.term, p.frequency FROM ${tables.postings} p WHERE ${terms} AND ${chunks}`,
          binds: binds.values,
        },
        options,
      );
    },
  );
  for (const row of readRows(postingRowSchema, rows)) {
    frequencies.get(row.chunk_key)?.set(row.term, row.frequency);
  }
  return frequencies;
}
