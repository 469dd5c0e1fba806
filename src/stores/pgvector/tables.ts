/** The tables of a collection and of a generation: their names and how they are made. */
import type { Generation, Metric, VectorIndex } from '../../model.js';
import { indexDefinition, sqlType } from './columns.js';
import type { FieldColumn } from './columns.js';
import { allBuckets, partitionsOf } from './partitions.js';

export interface GenerationTables {
  readonly chunks: string;
  readonly vectors: string;
  readonly postings: string;
}

export function documentsTable(collectionId: number): string {
  return `plumbline.c${String(Math.trunc(collectionId))}_documents`;
}

export function generationTables(generationId: number): GenerationTables {
  const prefix = `plumbline.g${String(Math.trunc(generationId))}`;
  return { chunks: `${prefix}_chunks`, vectors: `${prefix}_vectors`, postings: `${prefix}_postings` };
}

/** The names of all of a generation's tables. */
export function tablesOf({ chunks, vectors, postings }: GenerationTables): readonly string[] {
  return [chunks, vectors, postings];
}

/** Statements that make a collection's documents table. */
export function createDocuments(table: string, columns: readonly FieldColumn[]): readonly string[] {
  return [
    `create table ${table} (
      id text collate "C" primary key,
      title text,
      source text,
      body text not null,
      blocks json not null,
      metadata json not null,
      content_hash text not null,
      ingested_at timestamptz not null default now(),
      chunk_count integer not null${fieldColumns(columns)})`,
    ...indexes(table, columns),
  ];
}

/**
 * Statements that make a generation's tables. Vectors stand apart from texts, beside the columns
 * that filters read, so that a search touches few pages. Postings are packed (postings.ts), one row
 * for a term and a segment: a batch of writes, or several that were merged. A segment is named by
 * its first key, and ends where the next one begins. Where the index is in partitions, the vectors
 * are, too; the chunks then say in which one each of theirs is.
 */
export function createGeneration(
  tables: GenerationTables,
  { pin, index }: Pick<Generation, 'pin' | 'index'>,
  columns: readonly FieldColumn[],
): readonly string[] {
  const partitions = partitionsOf(index);
  const bucket = partitions === null ? '' : ',\nbucket smallint not null';
  return [
    `create table ${tables.chunks} (
      key bigint primary key,
      chunk_id text collate "C" not null unique,
      document_id text collate "C" not null,
      ordinal integer not null,
      span_start integer not null,
      span_end integer not null,
      overlap integer not null,
      heading_path json not null,
      body text,
      body_offset integer,
      indexed_text text not null,
      text_hash text not null,
      tokens integer not null,
      split text not null,
      terms text[] collate "C" not null,
      frequencies integer[] not null,
      length integer not null${bucket})`,
    `create index on ${tables.chunks} (document_id, ordinal)`,
    `create table ${tables.vectors} (
      key bigint not null,
      chunk_id text collate "C" not null,
      document_id text collate "C" not null,
      embedding vector(${String(Math.trunc(pin.dimensions))}) not null${fieldColumns(columns)}${bucket},
      primary key (key${partitions === null ? '' : ', bucket'}))${partitions === null ? '' : ' partition by list (bucket)'}`,
    ...(partitions === null ? [] : allBuckets(partitions)).map(
      (number) =>
        `create table ${partitionTable(tables.vectors, number)} partition of ${tables.vectors} for values in (${String(number)})`,
    ),
    `alter table ${tables.vectors} alter column embedding set storage plain`,
    ...indexes(tables.vectors, columns),
    `create table ${tables.postings} (
      term text collate "C" not null,
      segment bigint not null,
      size integer not null,
      entries bytea not null,
      primary key (term, segment))`,
    // Compressing would cost more time than the room is worth.
    `alter table ${tables.postings} alter column entries set storage external`,
    `create index on ${tables.postings} (segment)`,
  ];
}

/** The table of one partition of a generation's vectors. */
export function partitionTable(vectors: string, bucket: number): string {
  return `${vectors}_p${String(Math.trunc(bucket))}`;
}

/** Joins to chunks, which are `c`, their rows of vectors, as `v`. */
export function joinVectors({ vectors }: GenerationTables, index: VectorIndex): string {
  if (partitionsOf(index) === null) return `join ${vectors} v on v.key = c.key`;
  // One row after another, from its own partition: a plain join would be planned as if it looked into all of them.
  return `cross join lateral
    (select * from ${vectors} own where own.key = c.key and own.bucket = c.bucket limit 1) v`;
}

/** Statements that give a table new columns. */
export function addColumns(table: string, columns: readonly FieldColumn[]): readonly string[] {
  return [
    ...columns.map(({ column, type }) => `alter table ${table} add column ${column} ${sqlType(type)}`),
    ...indexes(table, columns),
  ];
}

function fieldColumns(columns: readonly FieldColumn[]): string {
  return columns.map(({ column, type }) => `,\n${column} ${sqlType(type)}`).join('');
}

function indexes(table: string, columns: readonly FieldColumn[]): readonly string[] {
  return columns.flatMap((column) => indexDefinition(table, column) ?? []);
}

const OPERATORS = { cosine: 'cosine_ops', dot: 'ip_ops', l2: 'l2_ops' } as const;

/** Distance operators of pgvector: smaller is nearer in each. */
export const DISTANCE_OPERATORS = { cosine: '<=>', dot: '<#>', l2: '<->' } as const;

/** A distance expression as a score: higher is better. */
export function scoreSql(metric: Metric, distance: string): string {
  switch (metric) {
    case 'cosine':
      return `1 - (${distance})`;
    case 'dot':
    case 'l2':
      return `0 - (${distance})`;
    default:
      return metric satisfies never;
  }
}

/**
 * What the approximate index is over: the vectors, or their halves, which are made from them for
 * the index alone. The table keeps whole ones, so that scores are exact either way.
 * @param vector of type vector
 */
export function indexedSql(vector: string, index: VectorIndex, dimensions: number): string {
  return isHalved(index) ? `${vector}::halfvec(${String(Math.trunc(dimensions))})` : vector;
}

/** Whether the index keeps half-precision numbers. */
export function isHalved(index: VectorIndex): boolean {
  return index.kind === 'hnsw' && index.compression === '2x';
}

/** The statement that builds the approximate index; null when there is to be none. */
export function createVectorIndex(
  table: string,
  metric: Metric,
  index: VectorIndex,
  size: { readonly rows: number; readonly dimensions: number },
): string | null {
  switch (index.kind) {
    case 'none':
      return null;
    case 'hnsw': {
      const over = isHalved(index)
        ? `(${indexedSql('embedding', index, size.dimensions)}) halfvec_${OPERATORS[metric]}`
        : `embedding vector_${OPERATORS[metric]}`;
      return `create index on ${table} using hnsw (${over})
        with (m = ${String(Math.trunc(index.m))}, ef_construction = ${String(Math.trunc(index.efConstruction))})`;
    }
    case 'ivfflat': {
      // pgvector's own advice: rows / 1,000 for small tables, the square root for large ones.
      const lists = index.lists === 'auto' ? Math.max(1, Math.round(Math.sqrt(size.rows))) : index.lists;
      return `create index on ${table} using ivfflat (embedding vector_${OPERATORS[metric]}) with (lists = ${String(Math.trunc(lists))})`;
    }
    default:
      return index satisfies never;
  }
}
