/** Collections and generations in the database. */
import { RetrievalError } from '../../errors.js';
import type { Collection, Fields } from '../../model.js';
import type { CallOptions, CollectionCounts, CollectionSpec, GenerationRef } from '../port.js';
import { addFields } from './add-fields.js';
import { integer, text } from './binds.js';
import type { LoadType } from './binds.js';
import { toColumns, toFields } from './columns.js';
import type { FieldColumn } from './columns.js';
import type { Database, Row, Session } from './database.js';
import { dropTables, forgetTables, noteTables } from './garbage.js';
import { lockCollectionRow } from './locks.js';
import type { CollectionTables, GenerationTables, Names } from './names.js';
import { insertGeneration, nextId } from './new-generation.js';
import { collectionRowSchema, lockedFieldsSchema, readRow } from './rows.js';
import { createCollectionTables, createGenerationTables, tablesOf } from './tables.js';
import { collectionExists, noCollection, noGeneration } from '../refusals.js';

/** A collection with where a generation of it is: mostly the active one. */
export interface Located extends CollectionTables {
  readonly collection: Collection;
  readonly collectionId: number;
  readonly columns: readonly FieldColumn[];
  readonly tables: GenerationTables;
  readonly chunkCount: number;
  readonly indexBuilt: boolean;
}

export interface Described {
  readonly located: Located;
  readonly createdAt: string;
  readonly changedAt: string;
}

/** Reads collections; remembers where generations are, which never changes while they exist. */
export interface OracleCatalog {
  create(spec: CollectionSpec, options?: CallOptions): Promise<Collection>;
  find(name: string, options?: CallOptions): Promise<Located | null>;
  /** @throws RetrievalError `collection_not_found` */
  get(name: string, options?: CallOptions): Promise<Located>;
  list(options?: CallOptions): Promise<readonly Collection[]>;
  delete(name: string, options?: CallOptions): Promise<boolean>;
  count(name: string, options?: CallOptions): Promise<CollectionCounts>;
  addFields(name: string, fields: Fields, options?: CallOptions): Promise<Collection>;
  /** From memory where it can be: a generation that is gone shows when its tables are used. */
  locate(ref: GenerationRef, options?: CallOptions): Promise<Located>;
  /** Fresh, for writes: another process may have added fields. */
  read(ref: GenerationRef, options?: CallOptions): Promise<Located>;
  /** All generations, by id. @throws RetrievalError `collection_not_found` */
  generations(name: string, options?: CallOptions): Promise<readonly Described[]>;
}

/** A constraint is broken: the name is taken. */
const TAKEN = 'ORA-00001';
/** The table, or the index, is there. */
const NAME_THERE = 'ORA-00955';

export function createOracleCatalog(database: Database, names: Names): OracleCatalog {
  const known = new Map<number, Located>();
  const select = `SELECT c.id AS collection_id, c.name, c.created_at, c.field_mode, c.fields, c.language,
    g.id AS generation_id, g.state, g.embedder, g.pin, g.chunker, g.metric, g.vector_index, g.chunk_count,
    g.index_built, g.created_at AS made_at, g.changed_at
    FROM ${names.collections} c JOIN ${names.generations} g ON g.collection_id = c.id`;

  const remember = (located: Located): Located => {
    const { name, generation } = located.collection;
    // What was active under this name before may get other columns, or be gone, and nobody would tell.
    for (const [other, { collection }] of known) {
      if (collection.name === name && other !== generation.id) known.delete(other);
    }
    known.set(generation.id, located);
    return located;
  };
  const find = async (name: string, options?: CallOptions): Promise<Located | null> => {
    const rows = await database.query(
      { text: `${select} WHERE c.name = :b_1 AND g.state = 'active'`, binds: { b_1: text(name) } },
      options,
    );
    return rows[0] === undefined ? null : remember(toLocated(rows[0], names));
  };
  const get = async (name: string, options?: CallOptions): Promise<Located> => {
    const located = await find(name, options);
    if (located === null) throw noCollection(name);
    return located;
  };
  const read = async (ref: GenerationRef, options?: CallOptions): Promise<Located> => {
    const [row] = await database.query(
      {
        text: `${select} WHERE c.name = :b_1 AND g.id = :b_2`,
        binds: { b_1: text(ref.collection), b_2: integer(ref.generation) },
      },
      options,
    );
    if (row !== undefined) {
      const located = toLocated(row, names);
      return located.collection.generation.state === 'active' ? remember(located) : located;
    }
    await get(ref.collection, options);
    throw noGeneration(ref);
  };

  return {
    find,
    get,
    read,

    async create(spec, options) {
      if ((await find(spec.name, options)) !== null) throw collectionExists(spec.name);
      await createCollection(database, names, spec, options);
      return (await get(spec.name, options)).collection;
    },

    async list(options) {
      const rows = await database.query(
        { text: `${select} WHERE g.state = 'active' ORDER BY c.name` },
        options,
      );
      return rows.map((row) => remember(toLocated(row, names)).collection);
    },

    async delete(name, options) {
      const tables = await database.transaction((session) => giveUp(session, names, name), options);
      if (tables === null) return false;
      // It is gone for everyone. What cannot be dropped now is noted, and dropped later.
      await database.definitions((definer) => dropTables(definer, names, tables)).catch(() => undefined);
      return true;
    },

    async count(name, options) {
      const { documents, chunkCount } = await get(name, options);
      const [row] = await database.query({ text: `SELECT COUNT(*) AS documents FROM ${documents}` }, options);
      return { documents: Number(row?.['documents'] ?? 0), chunks: chunkCount };
    },

    async addFields(name, fields, options) {
      await database.guarded((session, definer) => addFields(session, definer, names, name, fields), options);
      return (await get(name, options)).collection;
    },

    async locate(ref, options) {
      const remembered = known.get(ref.generation);
      if (remembered?.collection.name === ref.collection) return remembered;
      return read(ref, options);
    },

    async generations(name, options) {
      const rows = await database.query(
        { text: `${select} WHERE c.name = :b_1 ORDER BY g.id`, binds: { b_1: text(name) } },
        options,
      );
      if (rows.length === 0) throw noCollection(name);
      return rows.map((row) => {
        const { made_at: made, changed_at: changed } = readRow(collectionRowSchema, row);
        return {
          located: toLocated(row, names),
          createdAt: made.toISOString(),
          changedAt: changed.toISOString(),
        };
      });
    },
  };
}

/**
 * The tables first, under numbers that nobody knows yet; then the collection that owns them, in one
 * transaction. A crash between leaves tables that are noted, and a name that is free.
 */
async function createCollection(
  database: Database,
  names: Names,
  spec: CollectionSpec,
  options: CallOptions | undefined,
): Promise<void> {
  const fields = Object.entries(spec.fields).map(([name, type]) => ({ name, type }));
  const columns = toColumns(fields);
  const [collectionId, generationId] = [
    await nextId(database, names, options),
    await nextId(database, names, options),
  ];
  const collection = names.collection(collectionId);
  const generation = names.generation(generationId);
  const tables = [collection.documents, collection.elements, ...tablesOf(generation)];
  try {
    await database.definitions(async (definer) => {
      // Noted again, and made again, when the connection was lost on the way.
      await forgetTables(definer, names, tables);
      await noteTables(definer, names, tables);
      for (const definition of [
        ...createCollectionTables(collection, columns),
        ...createGenerationTables(generation, spec.pin.dimensions, columns),
      ]) {
        await definer.define(definition, [NAME_THERE]);
      }
    }, options);
    await database.transaction(async (session) => {
      await insertCollection(session, names, spec, fields, collectionId, generationId);
      await forgetTables(session, names, tables);
    }, options);
  } catch (error) {
    // A commit whose answer was lost may have been made, and then been tried again.
    const isMade = await database
      .query({
        text: `SELECT id FROM ${names.collections} WHERE id = :b_1`,
        binds: { b_1: integer(collectionId) },
      })
      .then(
        (rows) => rows.length > 0,
        () => null,
      );
    const isTaken = error instanceof RetrievalError && error.details['code'] === TAKEN;
    if (isMade === true && isTaken) return;
    if (isMade === false) {
      await database.definitions((definer) => dropTables(definer, names, tables)).catch(() => undefined);
    }
    throw isTaken ? collectionExists(spec.name) : error;
  }
}

async function insertCollection(
  session: Session,
  names: Names,
  spec: CollectionSpec,
  fields: readonly { readonly name: string; readonly type: string }[],
  collectionId: number,
  generationId: number,
): Promise<void> {
  const collectionColumns: readonly (readonly [string, LoadType])[] = [
    ['id', 'integer'],
    ['name', 'text'],
    ['field_mode', 'text'],
    ['language', 'text'],
    ['fields', 'clob'],
  ];
  await session.load(names.collections, collectionColumns, [
    [collectionId, spec.name, spec.fieldMode, spec.language, JSON.stringify(fields)],
  ]);
  await insertGeneration(session, names, spec, { id: generationId, collectionId, state: 'active' });
}

/** Takes the collection out of the catalog, and notes its tables; null when there is none. */
async function giveUp(session: Session, names: Names, name: string): Promise<readonly string[] | null> {
  const [row] = await session.query(lockCollectionRow(names, name));
  if (row === undefined) return null;
  const { id } = readRow(lockedFieldsSchema, row);
  // Whoever builds a generation's index holds its row: its tables are free after this.
  const generations = await session.query({
    text: `SELECT id FROM ${names.generations} WHERE collection_id = :b_1 FOR UPDATE`,
    binds: { b_1: integer(id) },
  });
  const { documents, elements } = names.collection(id);
  const tables = [
    documents,
    elements,
    ...generations.flatMap((generation) => tablesOf(names.generation(Number(generation['id'])))),
  ];
  await noteTables(session, names, tables);
  await session.run({
    text: `DELETE FROM ${names.collections} WHERE id = :b_1`,
    binds: { b_1: integer(id) },
  });
  return tables;
}

function toLocated(raw: Row, names: Names): Located {
  const row = readRow(collectionRowSchema, raw);
  const columns = toColumns(row.fields);
  return {
    collection: {
      name: row.name,
      createdAt: row.created_at.toISOString(),
      fieldMode: row.field_mode,
      fields: toFields(columns),
      language: row.language,
      generation: {
        id: row.generation_id,
        state: row.state,
        embedder: row.embedder,
        pin: row.pin,
        chunker: row.chunker,
        metric: row.metric,
        index: row.vector_index,
      },
    },
    collectionId: row.collection_id,
    columns,
    ...names.collection(row.collection_id),
    tables: names.generation(row.generation_id),
    chunkCount: row.chunk_count,
    indexBuilt: row.index_built,
  };
}
