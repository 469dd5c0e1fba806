/** Generations beside the active one: each has chunks, vectors and postings in tables of its own. */
import { hasCode } from '../../errors.js';
import type { ChunksWrite, GenerationRecord, GenerationStore } from '../generations-port.js';
import type { CallOptions, DocumentWrite } from '../port.js';
import { isActive, noCollection } from '../refusals.js';
import { validateDimensions } from '../validate.js';
import { activate } from './activate.js';
import { createBinds, inList, integer, slices, text } from './binds.js';
import type { LoadValue } from './binds.js';
import type { Described, Located, OracleCatalog } from './catalog.js';
import type { FieldColumn } from './columns.js';
import { createGeneration } from './create-generation.js';
import type { Database, Session } from './database.js';
import { dropTables, noteTables } from './garbage.js';
import { findLocked, lockCollection } from './locks.js';
import { missingSql } from './missing.js';
import type { Names } from './names.js';
import { countsRowSchema, fieldsRowSchema, readRow, readRows } from './rows.js';
import { tablesOf } from './tables.js';
import { analyzeBatch } from '../analyze-batch.js';
import { replaceChunks } from './write-chunks.js';

export interface GenerationParts {
  readonly database: Database;
  readonly catalog: Pick<OracleCatalog, 'generations' | 'locate' | 'read'>;
  readonly names: Names;
  readonly maxDimensions: number;
}

export function createOracleGenerations(parts: GenerationParts): GenerationStore {
  const { database, catalog, names } = parts;
  return {
    async create(name, spec, options) {
      validateDimensions('oracle', spec.pin.dimensions, parts.maxDimensions);
      const generation = await createGeneration(database, names, name, spec, options);
      return (await catalog.read({ collection: name, generation }, options)).collection.generation;
    },

    async list(name, options) {
      const records: GenerationRecord[] = [];
      for (const described of await catalog.generations(name, options)) {
        const record = await describe(database, described, options);
        if (record !== null) records.push(record);
      }
      // Its active one is always there: the collection was deleted meanwhile.
      if (records.length === 0) throw noCollection(name);
      return records;
    },

    async known(name, options) {
      const all = await catalog.generations(name, options);
      if (all.length === 0) throw noCollection(name);
      return all.map(({ located }) => located.collection.generation);
    },

    async missing(ref, { limit, after }, options) {
      const located = await catalog.locate(ref, options);
      const binds = createBinds();
      const from = after === undefined ? '' : `AND d.document_id > ${binds.add(text(after))}`;
      const rows = await database.query(
        {
          text: `SELECT d.document_id, d.content_hash FROM ${located.documents} d
            WHERE ${missingSql(located)} ${from}
            ORDER BY d.document_id FETCH FIRST ${binds.add(integer(limit))} ROWS ONLY`,
          binds: binds.values,
        },
        options,
      );
      return rows.map((row) => ({
        id: String(row['document_id']),
        contentHash: String(row['content_hash']),
      }));
    },

    async putChunks(ref, pin, writes, options) {
      // Fresh: what is remembered may have been active, and be no longer.
      const located = await catalog.read(ref, options);
      if (located.collection.generation.state === 'active') throw isActive(ref);
      const analyzed = analyzeBatch(located.collection, pin, writes.map(toDocumentWrite));
      return database.transaction(async (session) => {
        const locked = await lockCollection(session, names, ref.collection);
        const own = findLocked(locked, ref);
        if (own.state === 'active') throw isActive(ref);
        // As they are under the lock: fields may have been added since the generation was located.
        const { columns } = locked;
        const unchanged = await fieldsOfUnchanged(session, located, columns, writes);
        const ids = writes.map(({ documentId }) => documentId).filter((id) => unchanged.has(id));
        const kept = analyzed.filter(({ write }) => unchanged.has(write.document.id));
        const valuesOf = ({ document }: DocumentWrite): readonly LoadValue[] =>
          unchanged.get(document.id) ?? [];
        await replaceChunks(session, names, own, ids, kept, { columns, valuesOf });
        return ids;
      }, options);
    },

    async activate(ref, from, options) {
      const located = await catalog.read(ref, options);
      await activate(database, names, located, ref, from, options);
    },

    async drop(ref, options) {
      const tables = tablesOf(names.generation(ref.generation));
      let isTried = false;
      const isDropped = await database.transaction(async (session) => {
        const { generations } = await lockCollection(session, names, ref.collection);
        const own = generations.find(({ id }) => id === ref.generation);
        // Gone by a commit whose answer was lost.
        if (own === undefined) return isTried;
        if (own.state === 'active') throw isActive(ref);
        await noteTables(session, names, tables);
        await session.run({
          text: `DELETE FROM ${names.generations} WHERE id = :b_1`,
          binds: { b_1: integer(own.id) },
        });
        isTried = true;
        return true;
      }, options);
      // It is gone for everyone. What cannot be dropped now is noted, and dropped later.
      if (isDropped) {
        await database.definitions((definer) => dropTables(definer, names, tables)).catch(() => undefined);
      }
      return isDropped;
    },
  };
}

/** Null for one that was dropped meanwhile. */
async function describe(
  database: Database,
  { located, createdAt, changedAt }: Described,
  options: CallOptions | undefined,
): Promise<GenerationRecord | null> {
  const { collection, documents, tables, chunkCount } = located;
  try {
    const [row] = await database.query(
      {
        text: `SELECT (SELECT COUNT(DISTINCT c.document_id) FROM ${tables.chunks} c) AS documents,
          (SELECT COUNT(*) FROM ${documents} d WHERE ${missingSql(located)}) AS missing FROM DUAL`,
      },
      options,
    );
    const counts = readRow(countsRowSchema, row);
    return { ...collection.generation, createdAt, changedAt, chunks: chunkCount, ...counts };
  } catch (error) {
    if (hasCode(error, 'collection_not_found')) return null;
    throw error;
  }
}

function toDocumentWrite({ documentId, contentHash, chunks }: ChunksWrite): DocumentWrite {
  const document = { id: documentId, title: null, source: null, text: '', blocks: [], metadata: {} };
  return { document, contentHash, values: {}, chunks };
}

/** Of the documents those that are as the caller read them, with what their columns hold. */
async function fieldsOfUnchanged(
  session: Session,
  { documents }: Located,
  columns: readonly FieldColumn[],
  writes: readonly ChunksWrite[],
): Promise<ReadonlyMap<string, readonly LoadValue[]>> {
  const hashes = new Map(writes.map(({ documentId, contentHash }) => [documentId, contentHash]));
  const names = columns.map(({ column }) => column);
  const found = new Map<string, readonly LoadValue[]>();
  for (const part of slices([...hashes.keys()], SLICE)) {
    const binds = createBinds();
    const condition = inList(
      'document_id',
      part.map((id) => text(id)),
      binds,
    );
    const rows = await session.query({
      text: `SELECT ${['document_id', 'content_hash', ...names].join(', ')} FROM ${documents} WHERE ${condition}`,
      binds: binds.values,
    });
    for (const row of readRows(fieldsRowSchema, rows)) {
      if (hashes.get(row.document_id) !== row.content_hash) continue;
      found.set(
        row.document_id,
        names.map((name) => row[name] ?? null),
      );
    }
  }
  return found;
}

/** Documents asked for by one statement. */
const SLICE = 512;
