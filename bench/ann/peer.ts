/** The peer: the statement as one writes it by hand, with pgvector's own defaults. */
import type pg from 'pg';
import { toSql } from 'pgvector';
import type { Filter } from '../../src/model.js';
import { toColumns } from '../../src/stores/pgvector/columns.js';
import { createParameters, filterSql } from '../../src/stores/pgvector/filter-sql.js';
import { generationTables } from '../../src/stores/pgvector/tables.js';
import { FIELDS } from './collection.js';

export interface Peer {
  /** Ids of the nearest ten chunks that it finds. */
  search(vector: Float32Array, filter: Filter): Promise<readonly string[]>;
  /** Whether the database chooses the vector index for that filter, or compares the matches. */
  usesIndex(vector: Float32Array, filter: Filter): Promise<boolean>;
}

export async function createPeer(client: pg.Client, generation: number): Promise<Peer> {
  const { vectors } = generationTables(generation);
  const columns = toColumns(Object.entries(FIELDS).map(([name, type]) => ({ name, type })));
  // As the store's own connections have it, so that only the search differs.
  await client.query('set jit = off');
  const statement = (vector: Float32Array, filter: Filter) => {
    const parameters = createParameters(toSql(Array.from(vector)));
    const condition = filterSql(filter, columns, parameters);
    return {
      text: `select chunk_id from ${vectors} where ${condition} order by embedding <=> $1 limit 10`,
      values: [...parameters.values],
    };
  };
  return {
    async search(vector, filter) {
      const { rows } = await client.query<{ readonly chunk_id: string }>(statement(vector, filter));
      return rows.map((row) => row.chunk_id);
    },
    async usesIndex(vector, filter) {
      const { text, values } = statement(vector, filter);
      const { rows } = await client.query<Record<string, string>>(`explain ${text}`, values);
      return rows.some((row) => /Index Scan using \S*embedding/u.test(row['QUERY PLAN'] ?? ''));
    },
  };
}
