/**
 * PostgreSQL: the store's port against binary COPY by the bare client into one table, after which
 * the indexes are made. The bare side knows nothing of documents, replacing, or turns of writers.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { encodeCopy } from '../../src/stores/pgvector/binary-copy.js';
import type { CopyType, CopyValue } from '../../src/stores/pgvector/binary-copy.js';
import {
  copyType,
  copyValues,
  indexDefinition,
  sqlType,
  toColumns,
} from '../../src/stores/pgvector/columns.js';
import type { DocumentWrite } from '../../src/stores/port.js';
import { DIMENSIONS } from '../ann/vectors.js';
import { vectorFeatures } from '../../src/stores/pgvector/versions.js';
import { withScratchDatabase } from '../support/scratch.js';
import type { ScratchDatabase } from '../support/scratch.js';
import { withStore } from '../support/store.js';
import { createStopwatch, takeTurns } from '../support/turns.js';
import { FIELDS, HNSW, putAll, slicesOf, specOf } from './corpus.js';
import type { Corpus } from './corpus.js';
import type { Comparison, Side } from './types.js';

const COLUMNS = toColumns(Object.entries(FIELDS).map(([name, type]) => ({ name, type })));
const TYPES: readonly (readonly [string, CopyType])[] = [
  ['key', 'int8'],
  ['chunk_id', 'text'],
  ['document_id', 'text'],
  ['ordinal', 'int4'],
  ['body', 'text'],
  ['embedding', 'vector'],
  ...COLUMNS.map(({ column, type }) => [column, copyType(type)] as const),
];
const WORDS = "words tsvector generated always as (to_tsvector('english', body)) stored";

export function comparePostgres(server: string, corpus: Corpus, slices: number): Promise<Comparison> {
  return withScratchDatabase(server, (scratch) =>
    withStore(scratch.url, async (store) => {
      const { name, generation } = await store.createCollection(specOf('bench-load'));
      const ref = { collection: name, generation: generation.id };
      const ours = { load: createStopwatch(), index: createStopwatch() };
      const plain = await createFloor(scratch, 'floor_plain', false);
      const text = await createFloor(scratch, 'floor_text', true);
      await takeTurns(slicesOf(corpus.documents, slices), [
        (documents) => ours.load.time(() => putAll(store, ref, documents)),
        plain.load,
        text.load,
      ]);
      await plain.makeIndexes();
      await text.makeIndexes();
      // At once, a core each: one after another they would meet different disturbances.
      await Promise.all([ours.index.time(() => store.finishLoad(ref)), plain.makeVectorIndex()]);
      const { chunks } = await store.countCollection(name);
      if (chunks !== corpus.chunks) throw new Error(`${String(chunks)} chunks arrived`);
      const vectorIndex = plain.vectorIndexSeconds();
      return {
        server: scratch.server,
        ours: { loadSeconds: ours.load.seconds, indexSeconds: ours.index.seconds },
        floors: {
          'without a text index': plain.side(vectorIndex),
          'with a GIN text index': text.side(vectorIndex),
        },
        target: 'with a GIN text index',
      };
    }),
  );
}

interface Floor {
  readonly load: (documents: readonly DocumentWrite[]) => Promise<void>;
  readonly makeIndexes: () => Promise<void>;
  readonly makeVectorIndex: () => Promise<void>;
  readonly vectorIndexSeconds: () => number;
  readonly side: (vectorIndexSeconds: number) => Side;
}

async function createFloor(
  { client, extension }: ScratchDatabase,
  table: string,
  hasWords: boolean,
): Promise<Floor> {
  const load = createStopwatch();
  const indexes = createStopwatch();
  const vectorIndex = createStopwatch();
  const names = TYPES.map(([column]) => column).join(', ');
  let key = 0;
  await client.query(
    `create table ${table} (
      key bigint not null,
      chunk_id text collate "C" not null,
      document_id text collate "C" not null,
      ordinal integer not null,
      body text not null,
      embedding vector(${String(DIMENSIONS)}) not null
      ${COLUMNS.map(({ column, type }) => `, ${column} ${sqlType(type)}`).join('')}
      ${hasWords ? `, ${WORDS}` : ''})`,
  );
  // As the store has it: vectors beside their rows.
  await client.query(`alter table ${table} alter column embedding set storage plain`);
  const statements = [
    `alter table ${table} add primary key (key)`,
    `create unique index on ${table} (chunk_id)`,
    `create index on ${table} (document_id, ordinal)`,
    ...COLUMNS.flatMap((column) => indexDefinition(table, column) ?? []),
    ...(hasWords ? [`create index on ${table} using gin (words)`] : []),
    `analyze ${table}`,
  ];
  return {
    load: (documents) =>
      load.time(async () => {
        const rows = toRows(documents, key);
        key += rows.length;
        await copy(client, `${table} (${names})`, rows);
      }),
    makeIndexes: () =>
      indexes.time(async () => {
        for (const statement of statements) await client.query(statement);
      }),
    makeVectorIndex: () =>
      vectorIndex.time(async () => {
        // The settings that the store uses, the restraint for old versions of the extension included.
        const workers = vectorFeatures(extension).parallelBuild ? 2 : 0;
        await client.query("set maintenance_work_mem = '512MB'");
        await client.query(`set max_parallel_maintenance_workers = ${String(workers)}`);
        await client.query(
          `create index on ${table} using hnsw (embedding vector_cosine_ops)
            with (m = ${String(HNSW.m)}, ef_construction = ${String(HNSW.efConstruction)})`,
        );
      }),
    vectorIndexSeconds: () => vectorIndex.seconds,
    side: (vectorIndexSeconds) => ({
      loadSeconds: load.seconds,
      indexSeconds: indexes.seconds + vectorIndexSeconds,
    }),
  };
}

function toRows(documents: readonly DocumentWrite[], firstKey: number): readonly (readonly CopyValue[])[] {
  return documents
    .flatMap(({ chunks, values }) => chunks.map((chunk) => ({ chunk, values })))
    .map(({ chunk, values }, index) => [
      firstKey + index,
      chunk.id,
      chunk.documentId,
      chunk.ordinal,
      chunk.text,
      vectorBytes(chunk.vector),
      ...copyValues(COLUMNS, values),
    ]);
}

/** The quickest way to pgvector's binary form: all bytes are turned round at once. */
function vectorBytes(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(4 + vector.byteLength);
  bytes.writeInt16BE(vector.length, 0);
  bytes.writeInt16BE(0, 2);
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).copy(bytes, 4);
  bytes.subarray(4).swap32();
  return bytes;
}

async function copy(
  client: pg.Client,
  target: string,
  rows: readonly (readonly CopyValue[])[],
): Promise<void> {
  const types = TYPES.map(([, type]) => type);
  const stream = client.query(copyFrom(`copy ${target} from stdin (format binary)`));
  await pipeline(Readable.from([encodeCopy(types, rows)], { objectMode: false }), stream);
}
