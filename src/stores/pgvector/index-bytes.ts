/** How large a generation's approximate index is. */
import { z } from 'zod';
import type { CallOptions } from '../port.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { readRow } from './rows.js';

const bytesSchema = z.object({ bytes: z.number() });

/** Bytes on disk, of all partitions together; 0 while no index is built. */
export async function indexBytes(
  database: Database,
  { tables }: Located,
  options: CallOptions | undefined,
): Promise<number> {
  const rows = await database.query(
    {
      text: `select coalesce(sum(pg_relation_size(i.indexrelid)), 0)::float8 as bytes
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
        where i.indrelid in (
            select to_regclass($1) union all select inhrelid from pg_inherits where inhparent = to_regclass($1)
          ) and a.amname in ('hnsw', 'ivfflat')`,
      values: [tables.vectors],
    },
    options,
  );
  return rows.reduce((sum, row) => sum + readRow(bytesSchema, row).bytes, 0);
}
