/**
 * The peers: PostgreSQL's own full-text search over the same chunks in the same database. The
 * question's words are OR-ed, for AND-ed ones find next to nothing, and stemmed beforehand.
 */
import type pg from 'pg';

export interface PeerHit {
  readonly chunk_id: string;
  readonly document_id: string;
  readonly score: number;
}

export interface Peer {
  /** With the text vectors in a column of their own: full-text search at its best. */
  search(query: string, limit: number): Promise<readonly PeerHit[]>;
  /** As it is mostly written: with an index over an expression, and nothing stored. */
  searchText(query: string, limit: number): Promise<readonly PeerHit[]>;
  /** How the database answers `search`, with times. */
  explain(query: string, limit: number): Promise<string>;
}

const SEARCH = searchSql('full_text', 'words');
const SEARCH_TEXT = searchSql('plain_text', "to_tsvector('english', indexed_text)");

function searchSql(table: string, words: string): string {
  return `select chunk_id, document_id, ts_rank(${words}, $1::tsquery, 1) as score
    from ${table} where ${words} @@ $1::tsquery order by score desc, chunk_id limit $2::integer`;
}

/** @param chunks the table of chunks; its `indexed_text` is what the keyword leg indexes too */
export async function createPeer(client: pg.Client, chunks: string): Promise<Peer> {
  // Tables of their own: beside the texts, the vectors would lie on three times as many pages.
  await client.query(
    `create table full_text as
      select chunk_id, document_id, to_tsvector('english', indexed_text) as words from ${chunks}`,
  );
  await client.query(`create table plain_text as select chunk_id, document_id, indexed_text from ${chunks}`);
  await client.query('create index on full_text using gin (words) with (fastupdate = off)');
  await client.query("create index on plain_text using gin (to_tsvector('english', indexed_text))");
  await client.query('vacuum analyze full_text, plain_text');
  // As the store's own connections have it: compiling costs more than it saves here.
  await client.query('set jit = off');
  return {
    search: async (query, limit) => (await client.query<PeerHit>(SEARCH, [query, limit])).rows,
    searchText: async (query, limit) => (await client.query<PeerHit>(SEARCH_TEXT, [query, limit])).rows,
    explain: async (query, limit) => {
      const { rows } = await client.query<Record<string, string>>(`explain (analyze, buffers) ${SEARCH}`, [
        query,
        limit,
      ]);
      return rows.map((row) => row['QUERY PLAN'] ?? '').join('\n');
    },
  };
}

/** The question's stemmed words, OR-ed; null when it has none. */
export async function orQuery(client: pg.Client, text: string): Promise<string | null> {
  const { rows } = await client.query<{ readonly query: string | null }>(
    `select string_agg(quote_literal(lexeme), ' | ')::tsquery::text as query
      from unnest(to_tsvector('english', $1))`,
    [text],
  );
  return rows[0]?.query ?? null;
}
