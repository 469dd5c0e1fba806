/** Reading documents and chunks. What belongs together is read by one search, which sees one state. */
import { z } from 'zod';
import type { Filter } from '../../model.js';
import type {
  CallOptions,
  ChunkRecord,
  CollectionCounts,
  DocumentSummary,
  Page,
  StoredDocument,
} from '../port.js';
import type { Located } from './catalog.js';
import { filterQuery } from './filter-query.js';
import { decodeVector, readBody, readChunk, readHead } from './records.js';
import type { StoredHead } from './records.js';
import { both, columnsOnly, integer, ofKind, parse, stored, text } from './search.js';
import type { Hit, Searcher } from './search.js';
import { EVERYTHING, slices } from './state.js';

export async function countCollection(
  searcher: Searcher,
  { index }: Located,
  options: CallOptions | undefined,
): Promise<CollectionCounts> {
  const { aggregations } = await searcher.search(
    index,
    {
      size: 0,
      aggs: { kinds: { filters: { filters: { documents: ofKind('document'), chunks: ofKind('chunk') } } } },
    },
    options,
  );
  const { documents, chunks } = parse(countsSchema, aggregations).kinds.buckets;
  return { documents: documents.doc_count, chunks: chunks.doc_count };
}

const countSchema = z.object({ doc_count: z.number().int() });
const countsSchema = z.object({
  kinds: z.object({ buckets: z.object({ documents: countSchema, chunks: countSchema }) }),
});

export async function contentHashes(
  searcher: Searcher,
  { index }: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  // One look even for none: a generation that is gone has to show.
  for (const some of ids.length === 0 ? [ids] : slices(ids)) {
    const { hits } = await searcher.search(
      index,
      {
        query: both(ofKind('document'), { terms: { document_id: some } }),
        ...columnsOnly('document_id', 'content_hash'),
        size: some.length,
      },
      options,
    );
    for (const hit of hits) hashes.set(text(hit, 'document_id'), text(hit, 'content_hash'));
  }
  return hashes;
}

export async function documentVectors(
  searcher: Searcher,
  { index }: Located,
  id: string,
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { hits } = await searcher.search(
    index,
    {
      query: both(ofKind('chunk'), { term: { document_id: id } }),
      _source: ['vector'],
      docvalue_fields: ['text_hash'],
      size: EVERYTHING,
    },
    options,
  );
  return new Map(hits.map((hit) => [text(hit, 'text_hash'), decodeVector(stored(hit, 'vector'))]));
}

export async function getDocument(
  searcher: Searcher,
  { index }: Located,
  id: string,
  options: CallOptions | undefined,
): Promise<StoredDocument | null> {
  const { hits } = await searcher.search(
    index,
    {
      query: both(ofKind('document', 'body'), { term: { document_id: id } }),
      _source: ['meta', 'body'],
      docvalue_fields: ['kind'],
    },
    options,
  );
  const found = byKind(hits);
  const [head, body] = [found.get('document'), found.get('body')];
  if (head === undefined || body === undefined) return null;
  const { summary } = readHead(head);
  const { title, source, metadata, contentHash, ingestedAt, chunkCount } = summary;
  return {
    document: { id, title, source, ...readBody(body), metadata },
    contentHash,
    ingestedAt,
    chunkCount,
  };
}

export async function documentChunks(
  searcher: Searcher,
  { index }: Located,
  id: string,
  bounds: { readonly from?: number; readonly to?: number },
  options: CallOptions | undefined,
): Promise<readonly ChunkRecord[]> {
  const { hits } = await searcher.search(
    index,
    {
      query: both(
        { term: { document_id: id } },
        {
          bool: {
            should: [
              ofKind('document'),
              both(ofKind('chunk'), {
                range: {
                  ordinal: { gte: bounds.from ?? 0, lte: Math.min(bounds.to ?? MAX_ORDINAL, MAX_ORDINAL) },
                },
              }),
            ],
            minimum_should_match: 1,
          },
        },
      ),
      sort: [{ ordinal: 'asc' }],
      _source: ['meta', 'body'],
      docvalue_fields: ['kind'],
      size: EVERYTHING,
    },
    options,
  );
  const head = hits.find((hit) => text(hit, 'kind') === 'document');
  if (head === undefined) return [];
  const read = readHead(head);
  return hits.filter((hit) => hit !== head).map((hit) => readChunk(hit, read));
}

const MAX_ORDINAL = 2_147_483_647;
/** How often chunks are looked up again because their documents changed in between. */
const MAX_ATTEMPTS = 4;

/** Chunks, then their documents' heads: a chunk of another write than its head's is looked up again. */
export async function getChunks(
  searcher: Searcher,
  { index }: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, ChunkRecord>> {
  const records = new Map<string, ChunkRecord>();
  let waiting = [...new Set(ids)];
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { hits } = await searcher.search(
      index,
      {
        query: both(ofKind('chunk'), { terms: { chunk_id: waiting } }),
        _source: ['body'],
        docvalue_fields: ['chunk_id', 'document_id', 'token'],
        size: waiting.length,
      },
      options,
    );
    if (hits.length === 0) return records;
    const heads = await headsOf(searcher, index, hits, options);
    waiting = [];
    for (const hit of hits) {
      const head = heads.get(text(hit, 'document_id'));
      if (head?.token === integer(hit, 'token')) {
        records.set(text(hit, 'chunk_id'), readChunk(hit, head.head));
      } else waiting.push(text(hit, 'chunk_id'));
    }
    if (waiting.length === 0) return records;
  }
  return records;
}

async function headsOf(
  searcher: Searcher,
  index: string,
  chunks: readonly Hit[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, { readonly token: number; readonly head: StoredHead }>> {
  const ids = [...new Set(chunks.map((hit) => text(hit, 'document_id')))];
  const { hits } = await searcher.search(
    index,
    {
      query: both(ofKind('document'), { terms: { document_id: ids } }),
      _source: ['meta'],
      docvalue_fields: ['document_id', 'token'],
      size: ids.length,
    },
    options,
  );
  return new Map(
    hits.map((hit) => [text(hit, 'document_id'), { token: integer(hit, 'token'), head: readHead(hit) }]),
  );
}

export async function listDocuments(
  searcher: Searcher,
  { index, fields }: Located,
  query: { readonly filter: Filter; readonly limit: number; readonly after?: string },
  options: CallOptions | undefined,
): Promise<Page<DocumentSummary>> {
  const { hits } = await searcher.search(
    index,
    {
      query: both(ofKind('document'), filterQuery(query.filter, fields)),
      // Keywords are in order of their UTF-8 bytes, which is that of code points.
      sort: [{ document_id: 'asc' }],
      ...(query.after === undefined ? {} : { search_after: [query.after] }),
      _source: ['meta'],
      size: query.limit + 1,
      track_total_hits: false,
    },
    options,
  );
  const items = hits.slice(0, query.limit).map((hit) => readHead(hit).summary);
  return { items, next: hits.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

export async function countDocuments(
  searcher: Searcher,
  { index, fields }: Located,
  filter: Filter,
  options: CallOptions | undefined,
): Promise<number> {
  const { total } = await searcher.search(
    index,
    { query: both(ofKind('document'), filterQuery(filter, fields)), size: 0, track_total_hits: true },
    options,
  );
  return total;
}

function byKind(hits: readonly Hit[]): ReadonlyMap<string, Hit> {
  return new Map(hits.map((hit) => [text(hit, 'kind'), hit]));
}
