/** Reading documents and chunks. */
import { scalarTypeOf } from '../../metadata/values.js';
import type { FieldValues, Filter, Scalar } from '../../model.js';
import type { CallOptions, ChunkRecord, DocumentSummary, Page, StoredDocument } from '../port.js';
import type { Located } from './catalog.js';
import type { FieldColumn } from './columns.js';
import type { Database, Row } from './database.js';
import { createParameters, filterSql } from './filter-sql.js';
import { chunkRowSchema, documentRowSchema, readRow, summaryRowSchema } from './rows.js';

export async function getDocument(
  database: Database,
  { documents }: Located,
  id: string,
  options: CallOptions | undefined,
): Promise<StoredDocument | null> {
  const [row] = await database.query(
    { text: `select * from ${documents} where id = $1`, values: [id] },
    options,
  );
  if (row === undefined) return null;
  const found = readRow(documentRowSchema, row);
  return {
    document: {
      id: found.id,
      title: found.title,
      source: found.source,
      text: found.body,
      blocks: found.blocks,
      metadata: found.metadata,
    },
    contentHash: found.content_hash,
    ingestedAt: found.ingested_at.toISOString(),
    chunkCount: found.chunk_count,
  };
}

export async function listDocuments(
  database: Database,
  { documents, columns }: Located,
  query: { readonly filter: Filter; readonly limit: number; readonly after?: string },
  options: CallOptions | undefined,
): Promise<Page<DocumentSummary>> {
  const parameters = createParameters(query.limit + 1);
  const after = query.after === undefined ? 'true' : `id > ${parameters.add(query.after)}`;
  const rows = await database.query(
    {
      text: `select id, title, source, metadata, content_hash, ingested_at, chunk_count from ${documents}
        where ${after} and (${filterSql(query.filter, columns, parameters)}) order by id limit $1::integer`,
      values: parameters.values,
    },
    options,
  );
  const items = rows.slice(0, query.limit).map(toSummary);
  return { items, next: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

function toSummary(row: Row): DocumentSummary {
  const found = readRow(summaryRowSchema, row);
  return {
    id: found.id,
    title: found.title,
    source: found.source,
    metadata: found.metadata,
    contentHash: found.content_hash,
    ingestedAt: found.ingested_at.toISOString(),
    chunkCount: found.chunk_count,
  };
}

export async function countDocuments(
  database: Database,
  { documents, columns }: Located,
  filter: Filter,
  options: CallOptions | undefined,
): Promise<number> {
  const parameters = createParameters();
  const [row] = await database.query(
    {
      text: `select count(*)::integer as matches from ${documents} where ${filterSql(filter, columns, parameters)}`,
      values: parameters.values,
    },
    options,
  );
  return Number(row?.['matches'] ?? 0);
}

/** Chunks with their documents' citation and metadata. @param where over `c`, the chunks */
export async function readChunks(
  database: Database,
  located: Located,
  where: string,
  values: readonly unknown[],
  options: CallOptions | undefined,
): Promise<readonly ChunkRecord[]> {
  const { tables, documents, columns } = located;
  const rows = await database.query(
    {
      text: `select c.chunk_id, c.document_id, c.ordinal, c.span_start, c.span_end, c.overlap, c.heading_path,
          c.body, c.body_offset, c.indexed_text, c.tokens, c.split, d.title, d.source, d.metadata,
          ${fieldValuesSql(columns)} as field_values
        from ${tables.chunks} c join ${documents} d on d.id = c.document_id
        where ${where} order by c.document_id, c.ordinal`,
      values,
    },
    options,
  );
  return rows.map((row) => toRecord(row, columns));
}

function toRecord(row: Row, columns: readonly FieldColumn[]): ChunkRecord {
  const found = readRow(chunkRowSchema, row);
  return {
    id: found.chunk_id,
    documentId: found.document_id,
    ordinal: found.ordinal,
    start: found.span_start,
    end: found.span_end,
    overlap: found.overlap,
    headingPath: found.heading_path,
    text: found.body ?? found.indexed_text.slice(found.body_offset ?? 0),
    indexedText: found.indexed_text,
    tokens: found.tokens,
    split: found.split,
    title: found.title,
    source: found.source,
    metadata: found.metadata,
    values: toValues(found.field_values, columns),
  };
}

/** The values of a document's fields as one JSON array; `d` are the documents. */
export function fieldValuesSql(columns: readonly FieldColumn[]): string {
  return `json_build_array(${columns.map(({ column }) => `d.${column}`).join(', ')})`;
}

/** What {@link fieldValuesSql} answered, as typed values. */
export function toValues(row: readonly unknown[], columns: readonly FieldColumn[]): FieldValues {
  const values: Record<string, Scalar | readonly Scalar[]> = {};
  for (const [index, { name, type }] of columns.entries()) {
    const value = row[index];
    if (value === null || value === undefined) continue;
    const isNumber = scalarTypeOf(type) === 'number' || scalarTypeOf(type) === 'date';
    // PostgreSQL writes numbers that JSON has no form for as strings; none of these is stored.
    values[name] =
      isNumber && typeof value === 'string' ? Number(value) : (value as Scalar | readonly Scalar[]);
  }
  return values;
}
