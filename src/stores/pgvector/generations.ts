/** Generations beside the active one: each has chunks, vectors and postings in tables of its own. */
import { z } from 'zod';
import { hasCode } from '../../errors.js';
import type { ChunksWrite, GenerationRecord, GenerationSpec, GenerationStore } from '../generations-port.js';
import type { CallOptions, DocumentWrite, GenerationRef } from '../port.js';
import { cannotActivate, generationInProgress, isActive, noCollection, noGeneration } from '../refusals.js';
import { analyzeBatch } from '../analyze-batch.js';
import { validateDimensions } from '../validate.js';
import type { Dated, Located, PgCatalog } from './catalog.js';
import type { FieldValues } from '../../model.js';
import { toColumns } from './columns.js';
import type { FieldColumn } from './columns.js';
import { fieldValuesSql, toValues } from './read-documents.js';
import type { Database, RunOptions, Session } from './database.js';
import type { Version } from './progress.js';
import { collectionRowSchema, readRow } from './rows.js';
import { createGeneration, generationTables, tablesOf } from './tables.js';
import { lockGenerations, replaceChunks } from './write-documents.js';
import type { LockedGeneration } from './write-documents.js';

export interface GenerationParts {
  readonly database: Database;
  readonly catalog: Pick<PgCatalog, 'get' | 'locate' | 'generations'>;
  readonly maxDimensions: number;
  readonly wrote: (versions: ReadonlyMap<number, Version>) => void;
  readonly patiently: (options: CallOptions | undefined) => RunOptions;
}

export function createPgGenerations(parts: GenerationParts): GenerationStore {
  const { database, catalog, patiently } = parts;
  const allOf = async (name: string, options: CallOptions | undefined): Promise<readonly Dated[]> => {
    const all = await catalog.generations(name, options);
    if (all.length === 0) throw noCollection(name);
    return all;
  };
  return {
    async create(name, spec, options) {
      validateDimensions(database.kind, spec.pin.dimensions, parts.maxDimensions);
      const again = createAttempts();
      const id = await database.transaction(
        (session) => insert(session, name, spec, again()),
        patiently(options),
      );
      return (await catalog.locate({ collection: name, generation: id }, options)).collection.generation;
    },

    async list(name, options) {
      const records: GenerationRecord[] = [];
      for (const dated of await allOf(name, options)) {
        const record = await describe(database, dated, options);
        if (record !== null) records.push(record);
      }
      // Its active one is always there: the collection was deleted meanwhile.
      if (records.length === 0) throw noCollection(name);
      return records;
    },

    known: async (name, options) =>
      (await allOf(name, options)).map(({ located }) => located.collection.generation),

    async missing(ref, { limit, after }, options) {
      const { documents, tables } = await catalog.locate(ref, options);
      const rows = await database.query(
        {
          text: `select d.id, d.content_hash from ${documents} d where ${MISSING(tables.chunks)}
            and ($2::text is null or d.id > $2::text) order by d.id limit $1::integer`,
          values: [limit, after ?? null],
        },
        options,
      );
      return rows.map((row) => ({ id: String(row['id']), contentHash: String(row['content_hash']) }));
    },

    async putChunks(ref, pin, writes, options) {
      let located = await catalog.locate(ref, patiently(options));
      if (located.collection.generation.state === 'active') {
        // As it is remembered: another process may have activated another one since.
        const { generation } = (await catalog.get(ref.collection, patiently(options))).collection;
        if (generation.id === ref.generation) throw isActive(ref);
        located = await catalog.locate(ref, patiently(options));
      }
      const documents = writes.map(toDocumentWrite);
      const analyzed = analyzeBatch(located.collection, pin, documents);
      const { ids, version } = await database.transaction(async (session) => {
        const own = findLocked(await lockGenerations(session, ref.collection), ref);
        if (own.state === 'active') throw isActive(ref);
        // Fresh, under the lock: fields may have been added since the generation was located.
        const columns = await columnsOf(session, ref.collection);
        const current = await unchanged(session, located, columns, writes);
        const kept = analyzed.flatMap((one) => {
          const values = current.get(one.write.document.id);
          return values === undefined ? [] : [{ ...one, write: { ...one.write, values } }];
        });
        const target = { tables: located.tables, columns };
        const written = await replaceChunks(session, target, own, [...current.keys()], kept);
        return {
          ids: writes.map(({ documentId }) => documentId).filter((id) => current.has(id)),
          version: written,
        };
      }, patiently(options));
      parts.wrote(new Map([[ref.generation, version]]));
      return ids;
    },

    async activate(ref, from, options) {
      const located = await catalog.locate(ref, patiently(options));
      const again = createAttempts();
      await database.transaction(
        (session) => activate(session, located, ref, from, again()),
        patiently(options),
      );
    },

    async drop(ref, options) {
      await catalog.get(ref.collection, patiently(options));
      const again = createAttempts();
      return database.transaction(async (session) => {
        const isAgain = again();
        const own = (await lockGenerations(session, ref.collection)).find(({ id }) => id === ref.generation);
        if (own === undefined) return isAgain;
        if (own.state === 'active') throw isActive(ref);
        for (const table of tablesOf(generationTables(own.id))) {
          await session.query({ text: `drop table if exists ${table}` });
        }
        await session.query({ text: 'delete from plumbline.generations where id = $1', values: [own.id] });
        return true;
      }, patiently(options));
    },
  };
}

/** Documents of text that have no chunks in a generation; `d` are the documents. */
const MISSING = (chunks: string): string =>
  `d.chunk_count > 0 and not exists (select from ${chunks} c where c.document_id = d.id)`;

const countsSchema = z.object({ documents: z.number().int(), missing: z.number().int() });

/** Null when it was dropped meanwhile. */
async function describe(
  database: Database,
  { located, createdAt, changedAt }: Dated,
  options: CallOptions | undefined,
): Promise<GenerationRecord | null> {
  const { collection, documents, tables, chunkCount } = located;
  try {
    const [row] = await database.query(
      {
        text: `select (select count(distinct document_id)::integer from ${tables.chunks}) as documents,
          (select count(*)::integer from ${documents} d where ${MISSING(tables.chunks)}) as missing`,
      },
      options,
    );
    const counts = readRow(countsSchema, row);
    return { ...collection.generation, createdAt, changedAt, chunks: chunkCount, ...counts };
  } catch (error) {
    if (hasCode(error, 'collection_not_found')) return null;
    throw error;
  }
}

/**
 * Tells whether a transaction is tried again: its first try may have been committed, and only the
 * answer lost. What it finds done then, it has done itself.
 */
function createAttempts(): () => boolean {
  let attempts = 0;
  return () => (attempts += 1) > 1;
}

async function insert(
  session: Session,
  name: string,
  spec: GenerationSpec,
  isAgain: boolean,
): Promise<number> {
  const [row] = await session.query({
    text: 'select id, fields from plumbline.collections where name = $1 for update',
    values: [name],
  });
  if (row === undefined) throw noCollection(name);
  const collectionId = Number(row['id']);
  const [building] = await session.query({
    text: `select id, embedder, pin::text as pin, chunk_count::float8 as chunks from plumbline.generations
      where collection_id = $1 and state = 'building'`,
    values: [collectionId],
  });
  if (building !== undefined) {
    const isOurs =
      building['embedder'] === spec.embedder &&
      building['pin'] === JSON.stringify(spec.pin) &&
      building['chunks'] === 0;
    if (isAgain && isOurs) return Number(building['id']);
    throw generationInProgress(name, Number(building['id']));
  }
  const columns = toColumns(readRow(collectionRowSchema.pick({ fields: true }), row).fields);
  const [made] = await session.query({
    text: `insert into plumbline.generations
      (collection_id, state, embedder, pin, chunker, metric, vector_index)
      values ($1, 'building', $2, $3, $4, $5, $6) returning id`,
    values: [
      collectionId,
      spec.embedder,
      JSON.stringify(spec.pin),
      JSON.stringify(spec.chunker),
      spec.metric,
      JSON.stringify(spec.index),
    ],
  });
  const id = Number(made?.['id']);
  for (const text of createGeneration(generationTables(id), spec, columns)) {
    await session.query({ text });
  }
  return id;
}

function findLocked(locked: readonly LockedGeneration[], ref: GenerationRef): LockedGeneration {
  const own = locked.find(({ id }) => id === ref.generation);
  if (own === undefined) throw noGeneration(ref);
  return own;
}

function toDocumentWrite({ documentId, contentHash, chunks }: ChunksWrite): DocumentWrite {
  const document = { id: documentId, title: null, source: null, text: '', blocks: [], metadata: {} };
  return { document, contentHash, values: {}, chunks };
}

async function columnsOf(session: Session, name: string): Promise<readonly FieldColumn[]> {
  const [row] = await session.query({
    text: 'select fields from plumbline.collections where name = $1',
    values: [name],
  });
  return toColumns(readRow(collectionRowSchema.pick({ fields: true }), row).fields);
}

const unchangedSchema = z.object({ id: z.string(), field_values: z.array(z.unknown()) });

/** Of the documents those that are as the caller read them, with the values that filters see. */
async function unchanged(
  session: Session,
  { documents }: Located,
  columns: readonly FieldColumn[],
  writes: readonly ChunksWrite[],
): Promise<ReadonlyMap<string, FieldValues>> {
  const rows = await session.query({
    text: `select d.id, ${fieldValuesSql(columns)} as field_values from ${documents} d
      join unnest($1::text[], $2::text[]) as given(id, content_hash)
        on given.id = d.id and given.content_hash = d.content_hash`,
    values: [writes.map(({ documentId }) => documentId), writes.map(({ contentHash }) => contentHash)],
  });
  return new Map(
    rows.map((row) => {
      const found = readRow(unchangedSchema, row);
      return [found.id, toValues(found.field_values, columns)];
    }),
  );
}

async function activate(
  session: Session,
  located: Located,
  ref: GenerationRef,
  from: number,
  isAgain: boolean,
): Promise<void> {
  const locked = await lockGenerations(session, ref.collection);
  findLocked(locked, ref);
  const active = locked.find(({ state }) => state === 'active');
  const before = locked.find(({ id }) => id === from);
  if (isAgain && active?.id === ref.generation && before?.state === 'retired') return;
  const [row] = await session.query({
    text: `select count(*)::integer as missing from ${located.documents} d where ${MISSING(located.tables.chunks)}`,
  });
  const missing = Number(row?.['missing']);
  if (active?.id !== from || missing > 0 || active.id === ref.generation) {
    throw cannotActivate(ref, { active: active?.id ?? 0, missing });
  }
  for (const [id, state] of [
    [from, 'retired'],
    [ref.generation, 'active'],
  ] as const) {
    await session.query({
      text: 'update plumbline.generations set state = $2, changed_at = clock_timestamp() where id = $1',
      values: [id, state],
    });
  }
  await session.query({
    text: `update ${located.documents} d set chunk_count = n.chunks
      from (select document_id, count(*)::integer as chunks from ${located.tables.chunks} group by document_id) n
      where n.document_id = d.id and d.chunk_count <> n.chunks`,
  });
}
