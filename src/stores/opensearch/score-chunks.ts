/** Exact scores of given chunks in both legs: the completion of a query's candidates. */
import { analyzerOf, countTerms } from '../../analysis/analyzer.js';
import type { CallOptions, ChunkScores } from '../port.js';
import type { Located } from './catalog.js';
import { allOf, keywordScore, statisticsBody, weigh } from './keyword-leg.js';
import { both, columnsOnly, ofKind, text } from './search.js';
import type { Searcher } from './search.js';
import { scored, toScore } from './vector-leg.js';

export async function scoreChunks(
  searcher: Searcher,
  { collection, index }: Located,
  query: { readonly chunkIds: readonly string[]; readonly vector?: Float32Array; readonly text?: string },
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, ChunkScores>> {
  const { metric } = collection.generation;
  const ids = [...new Set(query.chunkIds)];
  const chunks = both(ofKind('chunk'), { terms: { chunk_id: ids } });
  const terms = query.text === undefined ? null : countTerms(analyzerOf(collection.language)(query.text));
  const names = [...(terms?.keys() ?? [])];
  const answers = await searcher.searchAll(
    index,
    [
      {
        query: query.vector === undefined ? chunks : scored(metric, query.vector, chunks),
        ...columnsOnly('chunk_id'),
        size: ids.length,
      },
      ...(terms === null
        ? []
        : [
            {
              ...statisticsBody(names),
              query: { bool: { should: [allOf(names), chunks], minimum_should_match: 1 } },
              post_filter: chunks,
              ...columnsOnly('chunk_id', 'length', 'counts'),
              sort: ['_doc'],
              size: ids.length,
            },
          ]),
    ],
    options,
  );
  const [near, words] = answers;
  const keywords = new Map<string, number>();
  if (terms !== null && words !== undefined) {
    const weighed = weigh(terms, words.aggregations);
    for (const hit of words.hits) keywords.set(text(hit, 'chunk_id'), keywordScore(weighed, hit));
  }
  const scores = new Map<string, ChunkScores>();
  for (const hit of near?.hits ?? []) {
    const id = text(hit, 'chunk_id');
    const keyword = terms === null ? null : keywords.get(id);
    // Gone between the two searches.
    if (keyword === undefined) continue;
    scores.set(id, { vector: query.vector === undefined ? null : toScore(metric, hit._score ?? 0), keyword });
  }
  return scores;
}
