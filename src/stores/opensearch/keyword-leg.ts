/**
 * The keyword leg: Lucene finds candidates, our own BM25 scores them, with exact statistics.
 *
 * Every search here brings its own statistics, as aggregations over the same state of the index that
 * its candidates come from: how many chunks there are and how long they are together, and of each
 * word of the question in how many chunks it is. The filter is applied to the hits alone
 * (`post_filter`), for statistics are of all chunks; the hits are collected after it.
 *
 * The first search ranks by Lucene's BM25, which differs from ours in two things: it takes a chunk
 * for up to an eighth shorter than it is, and its statistics count chunks that were deleted. So long
 * as none ever was, a chunk's score by Lucene is never lower than ours (but for a constant factor),
 * and what comes after the last candidate cannot score more than that one's. Where this shows that
 * the best k are among the candidates, they are the answer.
 *
 * Where it does not, a second search scores every chunk that may still be among the best by our
 * formula, in a script. A chunk may be left out if all its words together cannot reach the k-th best
 * score so far: a word's share is below its weight times k1 + 1.
 */
import { z } from 'zod';
import { analyzerOf, countTerms } from '../../analysis/analyzer.js';
import { B, K1, bm25, weighTerms } from '../../analysis/bm25.js';
import type { KeywordStatistics, WeightedTerm } from '../../analysis/bm25.js';
import { RetrievalError } from '../../errors.js';
import type { CallOptions, KeywordLegQuery, LegHit } from '../port.js';
import type { Located } from './catalog.js';
import { filterQuery } from './filter-query.js';
import { readCounts } from './records.js';
import { both, columnsOnly, integer, ofKind, parse, text } from './search.js';
import type { Hit, Query, SearchAnswer, SearchBody, Searcher } from './search.js';
import { EVERYTHING } from './state.js';
import { compareHits } from './vector-leg.js';

/** What a word's saturation stays below. Lucene leaves this factor out of its scores. */
const MOST_SATURATION = K1 + 1;
/** Room for the last digits, which single precision rounds. */
const ROUNDING = 1 + 1e-5;
/** More words than this are not ranked by Lucene at all, which refuses more than 1,024 clauses. */
const MOST_RANKED_TERMS = 500;
const MAX_ATTEMPTS = 8;

/** A question's words and, of one state of the index, what they weigh. */
export interface Weighed {
  readonly weights: readonly WeightedTerm[];
  readonly averageLength: number;
  /** Whether Lucene's own statistics count chunks that are gone. */
  readonly hasRemoved: boolean;
}

export async function keywordLeg(
  searcher: Searcher,
  located: Located,
  query: KeywordLegQuery,
  options: CallOptions | undefined,
): Promise<readonly LegHit[]> {
  const terms = countTerms(analyzerOf(located.collection.language)(query.text));
  if (terms.size === 0) return [];
  const filter = both(ofKind('chunk'), filterQuery(query.filter, located.fields));
  const names = [...terms.keys()];
  const isRanked = names.length <= MOST_RANKED_TERMS;
  const first = await searcher.search(
    located.index,
    {
      ...statisticsBody(names),
      query: isRanked ? anyOf(terms) : { constant_score: { filter: allOf(names) } },
      post_filter: filter,
      ...candidates(isRanked ? Math.ceil(1.5 * query.k) + 50 : query.k),
    },
    options,
  );
  const weighed = weigh(terms, first.aggregations);
  const scores = toHits(first.hits, weighed);
  const best = scores.slice(0, query.k);
  if (first.hits.length === first.total) return best;
  const last = first.hits.at(-1)?._score ?? 0;
  const least = best.at(query.k - 1)?.score ?? 0;
  if (isRanked && !weighed.hasRemoved && least > last * MOST_SATURATION * ROUNDING) return best;
  return exactly(searcher, located, query.k, terms, filter, { weighed, least }, options);
}

/** The second search, again for as long as what it was asked with is not what it found. */
async function exactly(
  searcher: Searcher,
  located: Located,
  k: number,
  terms: ReadonlyMap<string, number>,
  filter: Query,
  first: { readonly weighed: Weighed; readonly least: number },
  options: CallOptions | undefined,
): Promise<readonly LegHit[]> {
  const names = [...terms.keys()];
  let { weighed, least } = first;
  let size = k + 64;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const answer = await searcher.search(
      located.index,
      {
        ...statisticsBody(names),
        query: byFormula(allOf(names), weighed),
        post_filter: both(filter, allOf(essential(weighed.weights, least))),
        ...candidates(size),
      },
      options,
    );
    const now = weigh(terms, answer.aggregations);
    const hits = toHits(answer.hits, now);
    const best = hits.slice(0, k);
    if (!isSame(now, weighed)) {
      // The index changed between the searches: the candidates may be the wrong ones.
      weighed = now;
      least = 0;
      continue;
    }
    const last = answer.hits.at(-1)?._score ?? 0;
    const isComplete = answer.hits.length === answer.total;
    if (isComplete || (best.length === k && (best.at(-1)?.score ?? 0) > last * ROUNDING)) return best;
    // The k-th and the last differ by less than single precision tells: there may be more such ones.
    size = Math.min(size * 8, EVERYTHING);
  }
  throw new RetrievalError(
    'overloaded',
    'The collection changed under the question several times in a row; try again in a moment',
  );
}

/**
 * Words of which a chunk must have at least one to score `least`: without them, all others together
 * stay below it.
 */
function essential(weights: readonly WeightedTerm[], least: number): readonly string[] {
  const ascending = weights.toSorted((a, b) => a.weight - b.weight);
  let reachable = 0;
  const needed = ascending.filter(({ weight }) => {
    reachable += weight * MOST_SATURATION * ROUNDING;
    return reachable >= least;
  });
  return needed.map(({ term }) => term);
}

const SCRIPT = `
  double norm = params.average > 0 ? 1 - params.b + params.b * doc['length'].value / params.average : 1;
  double score = 0;
  for (int i = 0; i < params.terms.length; i++) {
    double tf = termFreq('terms', params.terms[i]);
    if (tf > 0) score += params.weights[i] * tf * (params.k1 + 1) / (tf + params.k1 * norm);
  }
  return score;`;

function byFormula(query: Query, { weights, averageLength }: Weighed): Query {
  return {
    script_score: {
      query: { constant_score: { filter: query } },
      script: {
        source: SCRIPT,
        params: {
          k1: K1,
          b: B,
          average: averageLength,
          terms: weights.map(({ term }) => term),
          weights: weights.map(({ weight }) => weight),
        },
      },
    },
  };
}

/** Any of the words, each as often as the question says it: the scores are Lucene's. */
function anyOf(terms: ReadonlyMap<string, number>): Query {
  const should = [...terms].map(([value, boost]) => ({ term: { terms: { value, boost } } }));
  return { bool: { should, minimum_should_match: 1 } };
}

/** The same without scores, and one clause for any number of words. */
export function allOf(terms: readonly string[]): Query {
  return terms.length === 0 ? { match_none: {} } : { terms: { terms } };
}

/** Aggregations that bring the statistics; the query has to match all chunks that hold a word. */
export function statisticsBody(terms: readonly string[]): SearchBody {
  const holding = terms.map((term, place) => [String(place), { term: { terms: term } }] as const);
  return {
    aggs: {
      ...(terms.length === 0 ? {} : { terms: { filters: { filters: Object.fromEntries(holding) } } }),
      index: {
        global: {},
        aggs: { length: { stats: { field: 'length' } }, removed: { max: { field: 'removed' } } },
      },
    },
  };
}

/** What is read of a candidate; in an order that is Lucene's, with ties as ours are broken. */
function candidates(size: number): SearchBody {
  return {
    ...columnsOnly('chunk_id', 'document_id', 'length', 'counts'),
    sort: [{ _score: 'desc' }, { chunk_id: 'asc' }],
    size,
    track_total_hits: true,
  };
}

const aggregationsSchema = z.object({
  terms: z.object({ buckets: z.record(z.string(), z.object({ doc_count: z.number().int() })) }).optional(),
  index: z.object({
    length: z.object({ count: z.number().int(), sum: z.number() }),
    removed: z.object({ value: z.number().nullable() }),
  }),
});

export function weigh(
  terms: ReadonlyMap<string, number>,
  aggregations: SearchAnswer['aggregations'],
): Weighed {
  const { terms: holding, index } = parse(aggregationsSchema, aggregations);
  const statistics: KeywordStatistics = {
    chunks: index.length.count,
    totalLength: index.length.sum,
    documentFrequency: new Map(
      [...terms.keys()].map((term, place) => [term, holding?.buckets[String(place)]?.doc_count ?? 0]),
    ),
  };
  return {
    weights: weighTerms(terms, statistics),
    averageLength: statistics.totalLength / statistics.chunks,
    hasRemoved: index.removed.value !== null,
  };
}

/** The score of a hit that was asked for with its `counts` and `length`. */
export function keywordScore({ weights, averageLength }: Weighed, hit: Hit): number {
  return bm25(weights, readCounts(text(hit, 'counts')), integer(hit, 'length'), averageLength);
}

function toHits(hits: readonly Hit[], weighed: Weighed): readonly LegHit[] {
  return hits
    .map((hit) => ({
      chunkId: text(hit, 'chunk_id'),
      documentId: text(hit, 'document_id'),
      score: keywordScore(weighed, hit),
    }))
    .sort(compareHits);
}

function isSame(a: Weighed, b: Weighed): boolean {
  return (
    a.averageLength === b.averageLength &&
    a.weights.length === b.weights.length &&
    a.weights.every(
      ({ term, weight }, place) => b.weights[place]?.term === term && b.weights[place].weight === weight,
    )
  );
}
