/**
 * BM25 in plain SQL over the postings. The database finds the candidates; their final scores are
 * made here, by the function all stores share, so that they are equal to the bit.
 */
import { analyzerOf, countTerms } from '../../analysis/analyzer.js';
import { bm25, weighTerms } from '../../analysis/bm25.js';
import type { WeightedTerm } from '../../analysis/bm25.js';
import type { CallOptions, KeywordLegQuery, LegHit } from '../port.js';
import { createBinds, double, integer, placesOf, text } from './binds.js';
import type { Binds } from './binds.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { filterSql } from './filter-sql.js';
import type { Names } from './names.js';
import { inParts } from './read-documents.js';
import { foundRowSchema, readRow, readRows, statisticsRowSchema, termRowSchema } from './rows.js';
import { noGeneration } from '../refusals.js';

/** A question's terms with their weights, and the mean chunk length, as of now. */
export interface WeighedQuestion {
  readonly terms: readonly WeightedTerm[];
  readonly averageLength: number;
}

/** Sums in SQL and here may differ in the last bits: candidates this near the border are all fetched. */
const MARGIN = '0.000000001';

export async function weighQuestion(
  database: Database,
  names: Names,
  { collection, tables }: Located,
  question: string,
  options: CallOptions | undefined,
): Promise<WeighedQuestion> {
  const counts = countTerms(analyzerOf(collection.language)(question));
  if (counts.size === 0) return { terms: [], averageLength: 0 };
  const [row] = await database.query(
    {
      text: `SELECT chunk_count, term_count FROM ${names.generations} WHERE id = :b_1`,
      binds: { b_1: integer(collection.generation.id) },
    },
    options,
  );
  if (row === undefined) {
    throw noGeneration({ collection: collection.name, generation: collection.generation.id });
  }
  const { chunk_count: chunks, term_count: totalLength } = readRow(statisticsRowSchema, row);
  const found = await inParts([...counts.keys()], (part) => {
    const binds = createBinds();
    const places = placesOf(part, binds).join(', ');
    return database.query(
      {
        text: `SELECT p.term, COUNT(*) AS frequency FROM ${tables.postings} p
          WHERE p.term IN (${places}) GROUP BY p.term`,
        binds: binds.values,
      },
      options,
    );
  });
  const documentFrequency = new Map(
    readRows(termRowSchema, found).map(({ term, frequency }) => [term, frequency]),
  );
  return {
    terms: weighTerms(counts, { chunks, totalLength, documentFrequency }),
    averageLength: totalLength / chunks,
  };
}

export async function keywordLeg(
  database: Database,
  names: Names,
  located: Located,
  query: KeywordLegQuery,
  options: CallOptions | undefined,
): Promise<readonly LegHit[]> {
  const question = await weighQuestion(database, names, located, query.text, options);
  if (question.terms.length === 0) return [];
  const binds = createBinds();
  const rows = await database.query(
    { text: candidatesSql(located, question, query, binds), binds: binds.values },
    options,
  );
  const chunks = new Map<string, Found>();
  for (const row of readRows(foundRowSchema, rows)) {
    const known = chunks.get(row.chunk_id);
    const frequencies = known?.frequencies ?? new Map<string, number>();
    frequencies.set(row.term, row.frequency);
    if (known === undefined) {
      chunks.set(row.chunk_id, { documentId: row.document_id, length: row.term_count, frequencies });
    }
  }
  return [...chunks]
    .map(([chunkId, { documentId, length, frequencies }]) => ({
      chunkId,
      documentId,
      score: scoreOf(question, frequencies, length),
    }))
    .sort(compareHits)
    .slice(0, query.k);
}

interface Found {
  readonly documentId: string;
  readonly length: number;
  readonly frequencies: Map<string, number>;
}

/** The best candidates, a row for each of the question's terms that they hold. */
function candidatesSql(
  located: Located,
  question: WeighedQuestion,
  query: KeywordLegQuery,
  binds: Binds,
): string {
  const { tables } = located;
  const places = placesOf(
    question.terms.map(({ term }) => text(term)),
    binds,
  );
  // A term named again to fill the list weighs nothing.
  const asked = places.map((place, index) => {
    const weight = binds.add(double(question.terms[index]?.weight ?? 0));
    return `SELECT ${place} AS term, ${weight} AS weight FROM DUAL`;
  });
  const average = binds.add(double(question.averageLength));
  const matching =
    query.filter.kind === 'all'
      ? ''
      : `JOIN ${tables.vectors} t ON t.chunk_key = p.chunk_key WHERE ${filterSql(query.filter, located, binds)}`;
  const k = binds.add(integer(query.k));
  // k1 1.2 and b 0.75, as src/analysis/bm25.ts has them.
  return `WITH question AS (${asked.join(' UNION ALL ')}),
    scored AS (
      SELECT p.chunk_key, SUM(q.weight * p.frequency * 2.2
        / (p.frequency + 1.2 * (0.25 + 0.75 * p.term_count / ${average}))) AS score
      FROM question q JOIN ${tables.postings} p ON p.term = q.term ${matching}
      GROUP BY p.chunk_key),
    best AS (
      SELECT s.chunk_key FROM scored s WHERE s.score >= COALESCE((
        SELECT MIN(b.score) FROM (
          SELECT a.score FROM scored a ORDER BY a.score DESC FETCH FIRST ${k} ROWS ONLY) b), 0) - ${MARGIN})
    SELECT v.chunk_id, v.document_id, p.chunk_key, p.term, p.frequency, p.term_count
    FROM best n JOIN ${tables.postings} p ON p.chunk_key = n.chunk_key AND p.term IN (${places.join(', ')})
    JOIN ${tables.vectors} v ON v.chunk_key = n.chunk_key`;
}

export function scoreOf(
  question: WeighedQuestion,
  frequencies: ReadonlyMap<string, number>,
  length: number,
): number {
  return bm25(question.terms, (term) => frequencies.get(term) ?? 0, length, question.averageLength);
}

function compareHits(a: LegHit, b: LegHit): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : 0;
}
