/** How the tables of a collection and of a generation are made. */
import type { Metric, VectorIndex } from '../../model.js';
import { isIndexed, sqlType } from './columns.js';
import type { FieldColumn } from './columns.js';
import { TAIL_COLUMNS } from './keywords.js';
import type { CollectionTables, GenerationTables } from './names.js';

/** A document's id has at most 1,024 UTF-16 units, which never come to more than 3,072 bytes. */
const DOCUMENT_ID = 'document_id VARCHAR2(1024 CHAR) NOT NULL';
const CHUNK_ID = 'chunk_id VARCHAR2(128 CHAR) NOT NULL';

/** The names of all of a generation's tables. */
export function tablesOf({ chunks, vectors, postings }: GenerationTables): readonly string[] {
  return [chunks, vectors, postings];
}

/**
 * Statements that make a collection's tables. What is only shown is JSON in a CLOB: as text it keeps
 * empty strings and every number as it was, which Oracle's own JSON type would not.
 */
export function createCollectionTables(
  { documents, elements }: CollectionTables,
  columns: readonly FieldColumn[],
): readonly string[] {
  return [
    `CREATE TABLE ${documents} (
      ${DOCUMENT_ID},
      content_hash VARCHAR2(128 CHAR) NOT NULL,
      chunk_count NUMBER(10) NOT NULL,
      ingested_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL${fieldColumns(columns)},
      summary CLOB NOT NULL,
      content CLOB NOT NULL,
      CONSTRAINT ${documents}_pk PRIMARY KEY (document_id))`,
    ...createIndexes(documents, columns),
    `CREATE TABLE ${elements} (
      ${DOCUMENT_ID},
      field_position NUMBER(10) NOT NULL,
      place NUMBER(10) NOT NULL,
      p1 VARCHAR2(1000 CHAR),
      ${TAIL_COLUMNS.map((column) => `${column} VARCHAR2(1000 CHAR)`).join(', ')},
      num BINARY_DOUBLE,
      CONSTRAINT ${elements}_pk PRIMARY KEY (document_id, field_position, place))`,
    `CREATE INDEX ${elements}_p1 ON ${elements} (field_position, p1)`,
    `CREATE INDEX ${elements}_num ON ${elements} (field_position, num)`,
  ];
}

/**
 * Statements that make a generation's tables. Vectors stand apart from texts, beside the columns
 * that filters read. The postings are an index and nothing else: a term's are one range of it.
 */
export function createGenerationTables(
  { chunks, vectors, postings }: GenerationTables,
  dimensions: number,
  columns: readonly FieldColumn[],
): readonly string[] {
  return [
    `CREATE TABLE ${chunks} (
      chunk_key NUMBER(18) NOT NULL,
      ${CHUNK_ID},
      ${DOCUMENT_ID},
      ordinal NUMBER(10) NOT NULL,
      term_count NUMBER(10) NOT NULL,
      text_hash VARCHAR2(128 CHAR) NOT NULL,
      content CLOB NOT NULL,
      CONSTRAINT ${chunks}_pk PRIMARY KEY (chunk_key),
      CONSTRAINT ${chunks}_id UNIQUE (chunk_id))`,
    `CREATE INDEX ${chunks}_of ON ${chunks} (document_id, ordinal)`,
    `CREATE TABLE ${vectors} (
      chunk_key NUMBER(18) NOT NULL,
      ${CHUNK_ID},
      ${DOCUMENT_ID},
      embedding VECTOR(${String(Math.trunc(dimensions))}, FLOAT32) NOT NULL${fieldColumns(columns)},
      CONSTRAINT ${vectors}_pk PRIMARY KEY (chunk_key))`,
    `CREATE INDEX ${vectors}_of ON ${vectors} (document_id)`,
    ...createIndexes(vectors, columns),
    `CREATE TABLE ${postings} (
      term VARCHAR2(128 CHAR) NOT NULL,
      chunk_key NUMBER(18) NOT NULL,
      frequency NUMBER(10) NOT NULL,
      term_count NUMBER(10) NOT NULL,
      CONSTRAINT ${postings}_pk PRIMARY KEY (term, chunk_key)) ORGANIZATION INDEX`,
    `CREATE INDEX ${postings}_of ON ${postings} (chunk_key)`,
  ];
}

export function addColumn(table: string, { column, type }: FieldColumn): string {
  return `ALTER TABLE ${table} ADD (${column} ${sqlType(type)})`;
}

export function dropColumn(table: string, { column }: FieldColumn): string {
  return `ALTER TABLE ${table} DROP COLUMN ${column}`;
}

export function createIndexes(table: string, columns: readonly FieldColumn[]): readonly string[] {
  return columns
    .filter(({ type }) => isIndexed(type))
    .map(({ column }) => `CREATE INDEX ${table}_${column} ON ${table} (${column})`);
}

function fieldColumns(columns: readonly FieldColumn[]): string {
  return columns.map(({ column, type }) => `,\n      ${column} ${sqlType(type)}`).join('');
}

const DISTANCES = { cosine: 'COSINE', dot: 'DOT', l2: 'EUCLIDEAN' } as const;

/** The distance of `t`'s vectors: smaller is nearer in each metric. */
export function distanceSql(metric: Metric, vector: string): string {
  return `VECTOR_DISTANCE(t.embedding, ${vector}, ${DISTANCES[metric]})`;
}

/** A distance as a score: higher is better. */
export function scoreOf(metric: Metric, distance: number): number {
  return metric === 'cosine' ? 1 - distance : 0 - distance;
}

/** What share of the nearest the index is to find, in percent; a literal in every statement. */
export const TARGET_ACCURACY = 95;

/** The statement that builds the approximate index; null when there is to be none. */
export function createVectorIndex(vectors: string, metric: Metric, index: VectorIndex): string | null {
  const head = `CREATE VECTOR INDEX ${vectors}_near ON ${vectors} (embedding)`;
  const distance = `DISTANCE ${DISTANCES[metric]} WITH TARGET ACCURACY ${String(TARGET_ACCURACY)}`;
  switch (index.kind) {
    case 'none':
      return null;
    case 'hnsw': {
      const parameters = `NEIGHBORS ${String(Math.trunc(index.m))}, EFCONSTRUCTION ${String(Math.trunc(index.efConstruction))}`;
      return `${head} ORGANIZATION INMEMORY NEIGHBOR GRAPH ${distance} PARAMETERS (TYPE HNSW, ${parameters})`;
    }
    case 'ivfflat': {
      const organization = `${head} ORGANIZATION NEIGHBOR PARTITIONS ${distance}`;
      // Left alone, Oracle chooses the number from what the table holds.
      if (index.lists === 'auto') return organization;
      return `${organization} PARAMETERS (TYPE IVF, NEIGHBOR PARTITIONS ${String(Math.trunc(index.lists))})`;
    }
    default:
      return index satisfies never;
  }
}
