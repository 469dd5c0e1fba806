/** Collections and generations in the database. */
import { RetrievalError } from '../../errors.js';
import type { Collection, Fields } from '../../model.js';
import type { CollectionCounts, CollectionSpec, GenerationRef } from '../port.js';
import { toColumns, toFields } from './columns.js';
import type { FieldColumn } from './columns.js';
import type { Database, Row, RunOptions, Session } from './database.js';
import { createProgress } from './progress.js';
import type { Progress } from './progress.js';
import { collectionRowSchema, datesRowSchema, readRow, versionRowSchema } from './rows.js';
import {
  addColumns,
  createDocuments,
  createGeneration,
  documentsTable,
  generationTables,
  tablesOf,
} from './tables.js';
import type { GenerationTables } from './tables.js';
import { newFields } from '../new-fields.js';
import { collectionExists, noCollection, noGeneration } from '../refusals.js';
import { lockGenerations } from './write-documents.js';

/** A collection with where its active generation is. */
export interface Located {
  readonly collection: Collection;
  readonly collectionId: number;
  readonly columns: readonly FieldColumn[];
  readonly documents: string;
  readonly tables: GenerationTables;
  readonly chunkCount: number;
  readonly indexBuilt: boolean;
}

/** A generation with its dates, ISO 8601. */
export interface Dated {
  readonly located: Located;
  readonly createdAt: string;
  readonly changedAt: string;
}

const SELECT = `select c.id as collection_id, c.name, c.created_at, c.field_mode, c.fields, c.language,
  g.id as generation_id, g.state, g.embedder, g.pin, g.chunker, g.metric, g.vector_index, g.next_key,
  g.chunk_count, g.index_built, g.created_at as made_at, g.changed_at
  from plumbline.collections c join plumbline.generations g on g.collection_id = c.id`;

/** Reads collections; remembers where generations are, which never changes while they exist. */
export interface PgCatalog {
  create(spec: CollectionSpec, options?: RunOptions): Promise<Collection>;
  find(name: string, options?: RunOptions): Promise<Located | null>;
  /** @throws RetrievalError `collection_not_found` */
  get(name: string, options?: RunOptions): Promise<Located>;
  list(options?: RunOptions): Promise<readonly Collection[]>;
  delete(name: string, options?: RunOptions): Promise<boolean>;
  count(name: string, options?: RunOptions): Promise<CollectionCounts>;
  addFields(name: string, fields: Fields, options?: RunOptions): Promise<Collection>;
  /** All generations of a collection by id; none where there is no such collection. */
  generations(name: string, options?: RunOptions): Promise<readonly Dated[]>;
  /** From memory where it can be: a generation that is gone shows when its tables are used. */
  locate(ref: GenerationRef, options?: RunOptions): Promise<Located>;
}

/** @param progress is told how far each generation has come */
export function createPgCatalog(database: Database, progress: Progress = createProgress()): PgCatalog {
  const known = new Map<number, Located>();

  const remember = (row: Row, asked: number): Located => {
    const located = toLocated(row);
    const { id } = located.collection.generation;
    // What was active under this name before may get other columns, or be gone, and nobody would tell.
    for (const [other, { collection }] of known) {
      if (collection.name === located.collection.name && other !== id) known.delete(other);
    }
    known.set(id, located);
    progress.heard(id, readRow(versionRowSchema, row), asked);
    return located;
  };
  const find = async (name: string, options?: RunOptions): Promise<Located | null> => {
    const asked = progress.now();
    const rows = await database.query(
      { name: 'find_collection', text: `${SELECT} where c.name = $1 and g.state = 'active'`, values: [name] },
      options,
    );
    return rows[0] === undefined ? null : remember(rows[0], asked);
  };
  const get = async (name: string, options?: RunOptions): Promise<Located> => {
    const located = await find(name, options);
    if (located === null) throw noCollection(name);
    return located;
  };

  return {
    find,
    get,

    async create(spec, options) {
      try {
        await database.transaction((session) => createCollection(session, spec), options);
      } catch (error) {
        if (error instanceof RetrievalError && error.details['sqlstate'] === '23505')
          throw collectionExists(spec.name);
        throw error;
      }
      return (await get(spec.name, options)).collection;
    },

    async list(options) {
      const asked = progress.now();
      const rows = await database.query(
        { text: `${SELECT} where g.state = 'active' order by c.name` },
        options,
      );
      return rows.map((row) => remember(row, asked).collection);
    },

    delete: (name, options) =>
      database.transaction(async (session) => {
        const [row] = await session.query({
          text: 'select id from plumbline.collections where name = $1 for update',
          values: [name],
        });
        if (row === undefined) return false;
        const id = Number(row['id']);
        const generations = await lockGenerations(session, name);
        const tables = generations.flatMap((generation) => tablesOf(generationTables(generation.id)));
        for (const table of [documentsTable(id), ...tables]) {
          await session.query({ text: `drop table if exists ${table}` });
        }
        await session.query({ text: 'delete from plumbline.collections where id = $1', values: [id] });
        return true;
      }, options),

    async count(name, options) {
      const { documents, chunkCount } = await get(name, options);
      const [row] = await database.query(
        { text: `select count(*)::integer as documents from ${documents}` },
        options,
      );
      return { documents: Number(row?.['documents'] ?? 0), chunks: chunkCount };
    },

    async addFields(name, fields, options) {
      await database.transaction((session) => addFields(session, name, fields), options);
      return (await get(name, options)).collection;
    },

    async generations(name, options) {
      const rows = await database.query(
        { text: `${SELECT} where c.name = $1 order by g.id`, values: [name] },
        options,
      );
      return rows.map((row) => {
        const { made_at: made, changed_at: changed } = readRow(datesRowSchema, row);
        return { located: toLocated(row), createdAt: made.toISOString(), changedAt: changed.toISOString() };
      });
    },

    async locate(ref, options) {
      const remembered = known.get(ref.generation);
      if (remembered?.collection.name === ref.collection) return remembered;
      const [row] = await database.query(
        {
          name: 'find_generation',
          text: `${SELECT} where c.name = $1 and g.id = $2`,
          values: [ref.collection, ref.generation],
        },
        options,
      );
      if (row !== undefined) return toLocated(row);
      if ((await find(ref.collection, options)) === null) throw noCollection(ref.collection);
      throw noGeneration(ref);
    },
  };
}

async function createCollection(session: Session, spec: CollectionSpec): Promise<void> {
  const fields = Object.entries(spec.fields).map(([name, type]) => ({ name, type }));
  const columns = toColumns(fields);
  const [collection] = await session.query({
    text: `insert into plumbline.collections (name, field_mode, fields, language)
      values ($1, $2, $3, $4) returning id`,
    values: [spec.name, spec.fieldMode, JSON.stringify(fields), spec.language],
  });
  const collectionId = Number(collection?.['id']);
  const [generation] = await session.query({
    text: `insert into plumbline.generations
      (collection_id, state, embedder, pin, chunker, metric, vector_index)
      values ($1, 'active', $2, $3, $4, $5, $6) returning id`,
    values: [
      collectionId,
      spec.embedder,
      JSON.stringify(spec.pin),
      JSON.stringify(spec.chunker),
      spec.metric,
      JSON.stringify(spec.index),
    ],
  });
  const tables = generationTables(Number(generation?.['id']));
  const statements = [
    ...createDocuments(documentsTable(collectionId), columns),
    ...createGeneration(tables, spec, columns),
  ];
  for (const text of statements) await session.query({ text });
}

async function addFields(session: Session, name: string, fields: Fields): Promise<void> {
  const [row] = await session.query({
    text: 'select id, fields from plumbline.collections where name = $1 for update',
    values: [name],
  });
  if (row === undefined) throw noCollection(name);
  const before = readRow(collectionRowSchema.shape.fields, row['fields'] as Row);
  const added = newFields(before, fields);
  if (added.length === 0) return;
  const all = [...before, ...added];
  const columns = toColumns(all).slice(before.length);
  const id = Number(row['id']);
  const generations = await lockGenerations(session, name);
  const tables = [
    documentsTable(id),
    ...generations.map((generation) => generationTables(generation.id).vectors),
  ];
  for (const table of tables) {
    for (const text of addColumns(table, columns)) await session.query({ text });
  }
  await session.query({
    text: 'update plumbline.collections set fields = $2 where id = $1',
    values: [id, JSON.stringify(all)],
  });
}

function toLocated(raw: Row): Located {
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
    documents: documentsTable(row.collection_id),
    tables: generationTables(row.generation_id),
    chunkCount: row.chunk_count,
    indexBuilt: row.index_built,
  };
}
