/** What an index holds of documents, for those who write. */
import { z } from 'zod';
import type { CallOptions } from '../port.js';
import type { Connection } from './connection.js';
import { headId } from './records.js';
import { both, idOf, parse, text } from './search.js';
import type { Query, Searcher } from './search.js';

export interface Version {
  readonly if_seq_no: number;
  readonly if_primary_term: number;
}

export interface DocumentsState {
  readonly heads: ReadonlyMap<string, { readonly version: Version; readonly isThere: boolean }>;
  /** Ids of all their parts. */
  readonly partIds: readonly string[];
}

/** Most values of a `terms` query are 65,536. */
const MOST_IDS = 10_000;
/** More entries than one batch of documents has parts; also the index's `max_result_window`. */
export const EVERYTHING = 1_000_000;

/**
 * Heads and parts as the last refresh showed them. In a turn that is how they are: every turn ends
 * with a refresh.
 */
export async function readState(
  searcher: Searcher,
  index: string,
  documentIds: readonly string[],
  options?: CallOptions,
): Promise<DocumentsState> {
  const heads = new Map<string, { readonly version: Version; readonly isThere: boolean }>();
  const partIds: string[] = [];
  for (const ids of slices(documentIds)) {
    const { hits } = await searcher.search(
      index,
      {
        query: both({ terms: { document_id: ids } }),
        _source: false,
        docvalue_fields: ['kind', 'document_id'],
        seq_no_primary_term: true,
        size: EVERYTHING,
      },
      options,
    );
    for (const hit of hits) {
      const kind = text(hit, 'kind');
      if (kind === 'document' || kind === 'gone') {
        heads.set(text(hit, 'document_id'), {
          version: versionOf(hit),
          isThere: kind === 'document',
        });
      } else partIds.push(idOf(hit));
    }
  }
  return { heads, partIds };
}

const versionSchema = z
  .object({ _seq_no: z.number(), _primary_term: z.number() })
  .transform(({ _seq_no, _primary_term }): Version => ({
    if_seq_no: _seq_no,
    if_primary_term: _primary_term,
  }));

/** The version of an entry that was asked for with it. */
export function versionOf(entry: unknown): Version {
  return parse(versionSchema, entry);
}

/** Ids of parts that match. */
export async function findParts(searcher: Searcher, index: string, query: Query): Promise<readonly string[]> {
  const { hits } = await searcher.search(index, {
    query: both(query, { terms: { kind: ['chunk', 'body'] } }),
    _source: false,
    size: EVERYTHING,
  });
  return hits.map((hit) => idOf(hit));
}

export interface LatestHead {
  readonly token: number;
  readonly version: Version;
  readonly source: Readonly<Record<string, unknown>>;
}

const latestSchema = z.object({
  docs: z.array(
    z.object({
      found: z.boolean(),
      _seq_no: z.number().optional(),
      _primary_term: z.number().optional(),
      _source: z.looseObject({ token: z.number().int(), document_id: z.string() }).optional(),
    }),
  ),
});

/** Heads as they were last written, shown or not. */
export async function readHeads(
  connection: Connection,
  index: string,
  documentIds: readonly string[],
): Promise<ReadonlyMap<string, LatestHead>> {
  const heads = new Map<string, LatestHead>();
  for (const ids of slices(documentIds)) {
    const { body } = await connection.send({
      method: 'POST',
      path: `/${index}/_mget`,
      body: { ids: ids.map(headId) },
    });
    for (const document of parse(latestSchema, body).docs) {
      const { _source: source } = document;
      if (!document.found || source === undefined) continue;
      heads.set(source.document_id, { token: source.token, version: versionOf(document), source });
    }
  }
  return heads;
}

export function* slices<T>(items: readonly T[], size = MOST_IDS): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
