/** Collections and generations in the database. */
import { RetrievalError } from '../../errors.js';
import type { Collection, Fields } from '../../model.js';
import type { CallOptions, CollectionCounts, CollectionSpec, GenerationRef } from '../port.js';
import { integer, text } from './binds.js';
import type { LoadType } from './binds.js';
import { toColumns, toFields } from './columns.js';
import type { FieldColumn } from './columns.js';
import type { Database, Definer, Row, Session } from './database.js';
import { dropTables, forgetTables, noteTables } from './garbage.js';
import type { CollectionTables, GenerationTables, Names } from './names.js';
import { collectionRowSchema, lockedFieldsSchema, readRow } from './rows.js';
import {
  addColumn,
  createCollectionTables,
  createGenerationTables,
  createIndexes,
  dropColumn,
  tablesOf,
} from './tables.js';
import { collectionExists, noCollection, noGeneration } from '../refusals.js';

/** A collection with where its active generation is. */
export interface Located extends CollectionTables {
  readonly collection: Collection;
  readonly columns: readonly FieldColumn[];
  readonly tables: GenerationTables;
  readonly chunkCount: number;
  readonly indexBuilt: boolean;
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
}

/** A constraint is broken: the name is taken. */
const TAKEN = 'ORA-00001';
/** The column, or the index, is there. */
const COLUMN_THERE = 'ORA-01430';
const NAME_THERE = 'ORA-00955';

export function createOracleCatalog(database: Database, names: Names): OracleCatalog {
  const known = new Map<number, Located>();
  const select = `SELECT c.id AS collection_id, c.name, c.created_at, c.field_mode, c.fields, c.language,
    g.id AS generation_id, g.state, g.embedder, g.pin, g.chunker, g.metric, g.vector_index, g.chunk_count,
    g.index_built
    FROM ${names.collections} c JOIN ${names.generations} g ON g.collection_id = c.id AND g.state = 'active'`;

  const remember = (located: Located): Located => {
    known.set(located.collection.generation.id, located);
    return located;
  };
  const find = async (name: string, options?: CallOptions): Promise<Located | null> => {
    const rows = await database.query(
      { text: `${select} WHERE c.name = :b_1`, binds: { b_1: text(name) } },
      options,
    );
    return rows[0] === undefined ? null : remember(toLocated(rows[0], names));
  };
  const get = async (name: string, options?: CallOptions): Promise<Located> => {
    const located = await find(name, options);
    if (located === null) throw noCollection(name);
    return located;
  };

  return {
    find,
    get,

    async create(spec, options) {
      if ((await find(spec.name, options)) !== null) throw collectionExists(spec.name);
      await createCollection(database, names, spec, options);
      return (await get(spec.name, options)).collection;
    },

    async list(options) {
      const rows = await database.query({ text: `${select} ORDER BY c.name` }, options);
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
      const located = await get(ref.collection, options);
      if (located.collection.generation.id !== ref.generation) throw noGeneration(ref);
      return located;
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
  const generationColumns: readonly (readonly [string, LoadType])[] = [
    ['id', 'integer'],
    ['collection_id', 'integer'],
    ['state', 'text'],
    ['embedder', 'text'],
    ['metric', 'text'],
    ['pin', 'clob'],
    ['chunker', 'clob'],
    ['vector_index', 'clob'],
  ];
  await session.load(names.generations, generationColumns, [
    [
      generationId,
      collectionId,
      'active',
      spec.embedder,
      spec.metric,
      JSON.stringify(spec.pin),
      JSON.stringify(spec.chunker),
      JSON.stringify(spec.index),
    ],
  ]);
}

async function nextId(database: Database, names: Names, options: CallOptions | undefined): Promise<number> {
  const [row] = await database.query({ text: `SELECT ${names.ids}.NEXTVAL AS id FROM DUAL` }, options);
  return Number(row?.['id']);
}

/** Takes the collection out of the catalog, and notes its tables; null when there is none. */
async function giveUp(session: Session, names: Names, name: string): Promise<readonly string[] | null> {
  const [row] = await session.query(lockCollection(names, name));
  if (row === undefined) return null;
  const { id } = readRow(lockedFieldsSchema, row);
  // Writers hold a generation's row while they write: its tables are free after this.
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

function lockCollection(
  names: Names,
  name: string,
): { text: string; binds: { b_1: ReturnType<typeof text> } } {
  return {
    text: `SELECT id, fields FROM ${names.collections} WHERE name = :b_1 FOR UPDATE`,
    binds: { b_1: text(name) },
  };
}

async function addFields(
  session: Session,
  definer: Definer,
  names: Names,
  name: string,
  fields: Fields,
): Promise<void> {
  const [row] = await session.query(lockCollection(names, name));
  if (row === undefined) throw noCollection(name);
  const { id, fields: before } = readRow(lockedFieldsSchema, row);
  const known = new Map(before.map((field) => [field.name, field.type]));
  const added = Object.entries(fields).flatMap(([field, type]) => {
    const has = known.get(field);
    if (has === undefined) return [{ name: field, type }];
    if (has === type) return [];
    throw new RetrievalError(
      'field_type_conflict',
      `Field "${field}" is a ${has} in this collection; it cannot also be a ${type}`,
      { field: `metadata.${field}`, details: { expected: has, given: type } },
    );
  });
  if (added.length === 0) return;
  const all = [...before, ...added];
  const generations = await session.query({
    text: `SELECT id FROM ${names.generations} WHERE collection_id = :b_1`,
    binds: { b_1: integer(id) },
  });
  const tables = [
    names.collection(id).documents,
    ...generations.map((generation) => names.generation(Number(generation['id'])).vectors),
  ];
  for (const table of tables) {
    for (const column of toColumns(all).slice(before.length)) await makeColumn(definer, table, column);
  }
  await session.run({
    text: `UPDATE ${names.collections} SET fields = :b_1 WHERE id = :b_2`,
    binds: { b_2: integer(id), b_1: text(JSON.stringify(all)) },
  });
}

/** A column that is there was made by a call that did not end: nobody has used it, whatever its type. */
async function makeColumn(definer: Definer, table: string, column: FieldColumn): Promise<void> {
  if (!(await definer.define(addColumn(table, column), [COLUMN_THERE]))) {
    await definer.define(dropColumn(table, column));
    await definer.define(addColumn(table, column));
  }
  for (const definition of createIndexes(table, [column])) await definer.define(definition, [NAME_THERE]);
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
    columns,
    ...names.collection(row.collection_id),
    tables: names.generation(row.generation_id),
    chunkCount: row.chunk_count,
    indexBuilt: row.index_built,
  };
}
