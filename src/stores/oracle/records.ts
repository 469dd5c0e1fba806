/** A collection's own records. */
import { RetrievalError } from '../../errors.js';
import type { RecordStore, StoredRecord } from '../generations-port.js';
import { noCollection } from '../refusals.js';
import { createBinds, inList, integer, text } from './binds.js';
import type { OracleCatalog } from './catalog.js';
import type { Database, Row } from './database.js';
import { codeOf } from './errors.js';
import type { Names } from './names.js';
import { nextId } from './new-generation.js';
import { readRow, recordRowSchema } from './rows.js';

export interface RecordParts {
  readonly database: Database;
  readonly catalog: Pick<OracleCatalog, 'get'>;
  readonly names: Names;
}

const COLUMNS = 'id, kind, written_at, content';
const TAKEN = 'ORA-00001';
/** The collection went away meanwhile. */
const NO_PARENT = 'ORA-02291';

export function createOracleRecords({ database, catalog, names }: RecordParts): RecordStore {
  return {
    async append(name, kind, value, options) {
      const { collectionId } = await catalog.get(name, options);
      const id = await nextId(database, names, options);
      try {
        return await database.transaction(async (session) => {
          try {
            await session.load(
              names.records,
              [
                ['collection_id', 'integer'],
                ['id', 'integer'],
                ['kind', 'text'],
                ['content', 'clob'],
              ],
              [[collectionId, id, kind, JSON.stringify(value)]],
            );
          } catch (error) {
            // The number is this call's: it was written by a commit whose answer was lost.
            if (codeOf(error) !== TAKEN) throw error;
          }
          const [row] = await session.query({
            text: `SELECT ${COLUMNS} FROM ${names.records} WHERE collection_id = :b_1 AND id = :b_2`,
            binds: { b_1: integer(collectionId), b_2: integer(id) },
          });
          return toRecord(row);
        }, options);
      } catch (error) {
        if (error instanceof RetrievalError && codeOf(error) === NO_PARENT) throw noCollection(name);
        throw error;
      }
    },

    async list(name, { kinds, limit, before }, options) {
      const { collectionId } = await catalog.get(name, options);
      const binds = createBinds();
      const conditions = [
        `collection_id = ${binds.add(integer(collectionId))}`,
        inList(
          'kind',
          kinds.map((kind) => text(kind)),
          binds,
        ),
        ...(before === undefined ? [] : [`id < ${binds.add(integer(before))}`]),
      ];
      const rows = await database.query(
        {
          text: `SELECT ${COLUMNS} FROM ${names.records} WHERE ${conditions.join(' AND ')}
            ORDER BY id DESC FETCH FIRST ${binds.add(integer(limit))} ROWS ONLY`,
          binds: binds.values,
        },
        options,
      );
      return rows.map(toRecord);
    },

    async remove(name, ids, options) {
      const { collectionId } = await catalog.get(name, options);
      const binds = createBinds();
      const own = binds.add(integer(collectionId));
      const condition = inList(
        'id',
        [...new Set(ids)].map((id) => integer(id)),
        binds,
      );
      return database.transaction(
        (session) =>
          session.run({
            text: `DELETE FROM ${names.records} WHERE collection_id = ${own} AND ${condition}`,
            binds: binds.values,
          }),
        options,
      );
    },
  };
}

function toRecord(row: Row | undefined): StoredRecord {
  const { id, kind, written_at: at, content } = readRow(recordRowSchema, row);
  return { id, kind, at: at.toISOString(), value: content };
}
