/**
 * The vector leg: exact where few vectors match or the graph is not due, through the graph where many
 * do, and exact again when the graph found too few. The filter is inside the search either way.
 */
import { RetrievalError } from '../../errors.js';
import type { Metric } from '../../model.js';
import type { CallOptions, LegHit, VectorLegPlan, VectorLegQuery } from '../port.js';
import type { Located } from './catalog.js';
import { filterQuery } from './filter-query.js';
import { both, columnsOnly, ofKind, text } from './search.js';
import type { Query, SearchBody, Searcher } from './search.js';

/** Up to this many matches are compared one by one. */
const EXACT_MATCHES = 1000;
const DEFAULT_EF_SEARCH = 512;
/** Candidates of a compressed graph for each hit, at least. */
const OVERSAMPLING = 3;
/** The k-NN plugin's limit. */
const MAX_APPROXIMATE = 10_000;

/** How many chunks generations held when last seen: a guess at the way, which the answer corrects. */
export type SizeHints = Map<number, number>;

interface VectorLegAnswer {
  readonly hits: readonly LegHit[];
  readonly plan: VectorLegPlan;
}

export async function vectorLeg(
  searcher: Searcher,
  located: Located,
  query: VectorLegQuery,
  hints: SizeHints,
  options: CallOptions | undefined,
): Promise<VectorLegAnswer> {
  const { collection, fields, index } = located;
  const { generation } = collection;
  const chunks = ofKind('chunk');
  const matching = query.filter.kind === 'all' ? chunks : both(chunks, filterQuery(query.filter, fields));
  const body = (candidates: Query): SearchBody => ({
    query: scored(generation.metric, query.vector, candidates),
    // Ties are broken here too, so that the right ones of equal chunks are among the k.
    sort: [{ _score: 'desc' }, { chunk_id: 'asc' }],
    ...columnsOnly('chunk_id', 'document_id'),
    size: query.k,
    track_total_hits: true,
  });
  const count = (counted: Query): SearchBody => ({ query: counted, size: 0, track_total_hits: true });
  const exact = async (): Promise<VectorLegAnswer> => {
    const [answer, all] = await searcher.searchAll(index, [body(matching), count(chunks)], options);
    if (answer === undefined || all === undefined) throw missing();
    hints.set(generation.id, all.total);
    return {
      hits: toHits(generation.metric, answer.hits),
      plan: { strategy: 'exact', matches: answer.total },
    };
  };

  const graph = generation.index.kind === 'hnsw' ? generation.index : null;
  if (query.exact === true || graph === null || query.k > MAX_APPROXIMATE) return exact();
  if ((hints.get(generation.id) ?? Infinity) < graph.buildAfter) return exact();

  // A compressed graph's order is a rough one: all it looked at is scored by the whole vectors.
  const isRough = graph.compression !== undefined;
  const least = isRough ? OVERSAMPLING * query.k : query.k;
  const breadth = Math.min(MAX_APPROXIMATE, Math.max(query.efSearch ?? DEFAULT_EF_SEARCH, least));
  const approximate = body({
    knn: {
      embedding: {
        vector: Array.from(query.vector),
        k: isRough ? breadth : query.k,
        filter: matching,
        method_parameters: { ef_search: breadth },
      },
    },
  });
  const [near, matches, all] = await searcher.searchAll(
    index,
    [approximate, count(matching), count(chunks)],
    options,
  );
  if (near === undefined || matches === undefined || all === undefined) throw missing();
  hints.set(generation.id, all.total);
  const isStarved = near.hits.length < Math.min(query.k, matches.total);
  if (all.total < graph.buildAfter || matches.total <= EXACT_MATCHES || isStarved) return exact();
  return {
    hits: toHits(generation.metric, near.hits),
    plan: { strategy: 'approximate', matches: matches.total },
  };
}

/**
 * A query that scores these candidates: one expression for every way of finding a chunk, so that a
 * chunk has one score. OpenSearch's scores are single-precision and not negative; the form keeps as
 * many digits as that allows.
 */
export function scored(metric: Metric, vector: Float32Array, candidates: Query): Query {
  const source = {
    cosine: 'cosineSimilarity(params.vector, doc["embedding"]) + 1.0',
    dot: 'double dot = innerProduct(params.vector, doc["embedding"]); return dot < 0 ? 1 / (1 - dot) : dot + 1',
    // The inverse of a number keeps its digits; that of one and the number would lose small distances.
    l2: '1 / (l2Squared(params.vector, doc["embedding"]) + 1.0E-30)',
  } as const satisfies Record<Metric, string>;
  return {
    script_score: {
      query: candidates,
      script: { source: source[metric], params: { vector: Array.from(vector) } },
    },
  };
}

/** The leg's score from OpenSearch's: the inverse of {@link scored}. */
export function toScore(metric: Metric, score: number): number {
  switch (metric) {
    case 'cosine':
      return Math.max(-1, Math.min(1, score - 1));
    case 'dot':
      return score < 1 ? 1 - 1 / score : score - 1;
    case 'l2':
      return score >= LARGEST_L2 ? 0 : -Math.sqrt(1 / score);
    default:
      return metric satisfies never;
  }
}

/** Of distances below it single precision does not tell more than that they are none. */
const LARGEST_L2 = 0.999e30;

function toHits(metric: Metric, hits: Awaited<ReturnType<Searcher['search']>>['hits']): readonly LegHit[] {
  const legHits = hits.map((hit) => ({
    chunkId: text(hit, 'chunk_id'),
    documentId: text(hit, 'document_id'),
    score: toScore(metric, hit._score ?? 0),
  }));
  return legHits.sort(compareHits);
}

function missing(): RetrievalError {
  return new RetrievalError('store_invalid_response', 'OpenSearch left out a search it was asked for');
}

/** Best first, ties by chunk id. */
export function compareHits(a: LegHit, b: LegHit): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : 0;
}
