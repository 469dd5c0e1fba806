/**
 * BM25 in plain SQL over the postings. The database finds the candidates; their final scores are
 * made here, by the function all stores share, so that they are equal to the bit.
 */
import { countTerms } from '../../analysis/analyzer.js';
import { bm25, weighTerms } from '../../analysis/bm25.js';
import type { WeightedTerm } from '../../analysis/bm25.js';
import type { CallOptions, KeywordLegQuery, LegHit } from '../port.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { createParameters, filterSql } from './filter-sql.js';
import { readRow, readRows, statisticsRowSchema, termFrequencyRowSchema, termRowSchema } from './rows.js';
import { analyzerOf } from './write-documents.js';

/** A question's terms with their weights, and the mean chunk length, as of now. */
export interface WeighedQuestion {
  readonly terms: readonly WeightedTerm[];
  readonly averageLength: number;
}

/** Sums in SQL and here may differ in the last bits: candidates this near the border are all fetched. */
const MARGIN = 1e-9;

export async function weighQuestion(
  database: Database,
  located: Located,
  text: string,
  options: CallOptions | undefined,
): Promise<WeighedQuestion> {
  const counts = countTerms(analyzerOf(located.collection.language)(text));
  if (counts.size === 0) return { terms: [], averageLength: 0 };
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
  if (rows[0] === undefined) return { terms: [], averageLength: 0 };
  const { chunks, terms: totalLength } = readRow(statisticsRowSchema, rows[0]);
  const found = readRows(
    termRowSchema,
    rows.filter((row) => row['term'] !== null),
  );
  const documentFrequency = new Map(found.map(({ term, frequency }) => [term, frequency]));
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
  const question = await weighQuestion(database, located, query.text, options);
  if (question.terms.length === 0) return [];
  const { tables, columns } = located;
  const terms = question.terms.map(({ term }) => term);
  const parameters = createParameters(
    terms,
    question.terms.map(({ weight }) => weight),
    question.averageLength,
    query.k,
  );
  const isFiltered = query.filter.kind !== 'all';
  const condition = filterSql(query.filter, columns, parameters);
  const rows = await database.query(
    {
      ...(isFiltered ? {} : { name: `keyword_${String(located.collection.generation.id)}` }),
      // k1 1.2 and b 0.75, as src/analysis/bm25.ts has them.
      text: `with scored as materialized (
          select e.key,
            sum(q.weight * e.frequency * 2.2 / (e.frequency + 1.2 * (0.25 + 0.75 * e.length / $3::float8))) as score
          from unnest($1::text[], $2::float8[]) as q(term, weight)
          join ${tables.postings} p on p.term = q.term,
          unnest(p.keys, p.frequencies, p.lengths) as e(key, frequency, length)
          group by e.key
        ), matching as materialized (
          select s.key, s.score from scored s
          ${isFiltered ? `join ${tables.vectors} v on v.key = s.key where ${condition}` : ''}
        ), best as (
          select key from matching
          where score >= coalesce((select score from matching order by score desc offset $4::integer - 1 limit 1), 0)
            - ${String(MARGIN)}
        )
        select c.chunk_id, c.document_id, c.length, ${frequenciesSql('c', '$1')} as frequencies
        from best join ${tables.chunks} c on c.key = best.key`,
      values: parameters.values,
    },
    options,
  );
  return rows
    .map((row) => readRow(termFrequencyRowSchema, row))
    .map((row) => ({
      chunkId: row.chunk_id,
      documentId: row.document_id,
      score: scoreOf(question, row.frequencies, row.length),
    }))
    .sort(compareHits)
    .slice(0, query.k);
}

/** For each of the question's terms, how often the chunk holds it. */
export function frequenciesSql(chunks: string, terms: string): string {
  return `array(select coalesce(${chunks}.frequencies[array_position(${chunks}.terms, asked.term)], 0)
    from unnest(${terms}::text[]) with ordinality as asked(term, place) order by asked.place)`;
}

/** @param frequencies in the order of the question's terms */
export function scoreOf(question: WeighedQuestion, frequencies: readonly number[], length: number): number {
  const byTerm = new Map(question.terms.map(({ term }, index) => [term, frequencies[index] ?? 0]));
  return bm25(question.terms, (term) => byTerm.get(term) ?? 0, length, question.averageLength);
}

function compareHits(a: LegHit, b: LegHit): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : 0;
}
