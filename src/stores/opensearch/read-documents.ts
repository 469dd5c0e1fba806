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
import type { Origins } from './origins.js';
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

/**
 * Chunks with their documents' heads, in one search where it is known whose they are. A chunk of
 * another write than its head's is looked up again.
 */
export async function getChunks(
  searcher: Searcher,
  { index }: Located,
  ids: readonly string[],
  origins: Origins,
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, ChunkRecord>> {
  const records = new Map<string, ChunkRecord>();
  let waiting = [...new Set(ids)];
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const chunks = both(ofKind('chunk'), { terms: { chunk_id: waiting } });
    const likely = [...new Set(waiting.flatMap((id) => origins.get(id) ?? []))];
    const likelyHeads = both(ofKind('document'), { terms: { document_id: likely } });
    const { hits } = await searcher.search(
      index,
      {
        query:
          likely.length === 0 ? chunks : { bool: { should: [chunks, likelyHeads], minimum_should_match: 1 } },
        _source: ['body', 'meta'],
        docvalue_fields: ['kind', 'chunk_id', 'document_id', 'token'],
        size: waiting.length + likely.length,
      },
      options,
    );
    const found = hits.filter((hit) => text(hit, 'kind') === 'chunk');
    if (found.length === 0) return records;
    const heads = toHeads(hits.filter((hit) => text(hit, 'kind') === 'document'));
    const missing = new Set(found.map((hit) => text(hit, 'document_id')).filter((id) => !heads.has(id)));
    if (missing.size > 0) {
      for (const [id, head] of await headsOf(searcher, index, [...missing], options)) heads.set(id, head);
    }
    waiting = [];
    for (const hit of found) {
      const head = heads.get(text(hit, 'document_id'));
      if (head?.token === integer(hit, 'token')) {
        records.set(text(hit, 'chunk_id'), readChunk(hit, head.head));
      } else waiting.push(text(hit, 'chunk_id'));
    }
    if (waiting.length === 0) return records;
  }
  return records;
}

interface Head {
  readonly token: number;
  readonly head: StoredHead;
}

async function headsOf(
  searcher: Searcher,
  index: string,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, Head>> {
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
  return toHeads(hits);
}

function toHeads(hits: readonly Hit[]): Map<string, Head> {
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
