/** A collection's own records. */
import { z } from 'zod';
import type { RecordStore, StoredRecord } from '../generations-port.js';
import type { CallOptions } from '../port.js';
import { noCollection } from '../refusals.js';
import { metadataSchema } from '../record-schemas.js';
import type { PgCatalog } from './catalog.js';
import type { Database, Row, RunOptions } from './database.js';
import { readRow } from './rows.js';

const recordRowSchema = z.object({
  id: z.number().int(),
  kind: z.string(),
  at: z.date(),
  value: metadataSchema,
});

export interface RecordParts {
  readonly database: Database;
  readonly catalog: Pick<PgCatalog, 'get'>;
  readonly patiently: (options: CallOptions | undefined) => RunOptions;
}

export function createPgRecords({ database, catalog, patiently }: RecordParts): RecordStore {
  return {
    async append(collection, kind, value, options) {
      const [row] = await database.query(
        {
          text: `insert into plumbline.records (collection_id, kind, value)
            select id, $2, $3::json from plumbline.collections where name = $1
            returning id::float8 as id, kind, at, value`,
          values: [collection, kind, JSON.stringify(value)],
        },
        patiently(options),
      );
      if (row === undefined) throw noCollection(collection);
      return toRecord(row);
    },

    async list(collection, { kinds, limit, before }, options) {
      const { collectionId } = await catalog.get(collection, options);
      const rows = await database.query(
        {
          text: `select id::float8 as id, kind, at, value from plumbline.records
            where collection_id = $1 and kind = any($2::text[]) and ($3::bigint is null or id < $3::bigint)
            order by id desc limit $4::integer`,
          values: [collectionId, kinds, before ?? null, limit],
        },
        options,
      );
      return rows.map(toRecord);
    },

    async remove(collection, ids, options) {
      const { collectionId } = await catalog.get(collection, options);
      const rows = await database.query(
        {
          text: 'delete from plumbline.records where collection_id = $1 and id = any($2::bigint[]) returning 1',
          values: [collectionId, ids],
        },
        patiently(options),
      );
      return rows.length;
    },
  };
}

function toRecord(row: Row): StoredRecord {
  const { id, kind, at, value } = readRow(recordRowSchema, row);
  return { id, kind, at: at.toISOString(), value };
}
