/** Reading documents and chunks. */
import type { z } from 'zod';
import type { Filter } from '../../model.js';
import type { CallOptions, ChunkRecord, DocumentSummary, Page, StoredDocument } from '../port.js';
import { createBinds, inList, integer, slices, text } from './binds.js';
import type { Bind } from './binds.js';
import type { Located } from './catalog.js';
import type { Database, Row } from './database.js';
import { filterSql } from './filter-sql.js';
import {
  chunkRowSchema,
  documentRowSchema,
  readRow,
  readRows,
  summaryRowSchema,
  vectorRowSchema,
} from './rows.js';

/** Values asked for by one statement. */
const SLICE = 512;

/** Asks for many values a part at a time; a value asked for twice is asked for once. */
export async function inParts<T>(
  values: readonly string[],
  ask: (part: readonly Bind[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const answers: T[] = [];
  for (const part of slices([...new Set(values)], SLICE)) {
    answers.push(...(await ask(part.map((value) => text(value)))));
  }
  return answers;
}

export async function contentHashes(
  database: Database,
  { documents }: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, string>> {
  const rows = await inParts(ids, (part) => {
    const binds = createBinds();
    const condition = inList('document_id', part, binds);
    return database.query(
      {
        text: `SELECT document_id, content_hash FROM ${documents} WHERE ${condition}`,
        binds: binds.values,
      },
      options,
    );
  });
  return new Map(rows.map((row) => [String(row['document_id']), String(row['content_hash'])]));
}

export async function documentVectors(
  database: Database,
  { tables }: Located,
  id: string,
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, Float32Array>> {
  const rows = await database.query(
    {
      text: `SELECT c.text_hash, t.embedding FROM ${tables.chunks} c JOIN ${tables.vectors} t
        ON t.chunk_key = c.chunk_key WHERE c.document_id = :b_1`,
      binds: { b_1: text(id) },
    },
    options,
  );
  return new Map(readRows(vectorRowSchema, rows).map(({ text_hash: hash, embedding }) => [hash, embedding]));
}

export async function getDocument(
  database: Database,
  { documents }: Located,
  id: string,
  options: CallOptions | undefined,
): Promise<StoredDocument | null> {
  const [row] = await database.query(
    {
      text: `SELECT document_id, content_hash, chunk_count, ingested_at, summary, content FROM ${documents}
        WHERE document_id = :b_1`,
      binds: { b_1: text(id) },
    },
    options,
  );
  if (row === undefined) return null;
  const found = readRow(documentRowSchema, row);
  const { title, source, metadata } = found.summary;
  return {
    document: {
      id: found.document_id,
      title,
      source,
      text: found.content.text,
      blocks: found.content.blocks,
      metadata,
    },
    contentHash: found.content_hash,
    ingestedAt: found.ingested_at.toISOString(),
    chunkCount: found.chunk_count,
  };
}

export async function listDocuments(
  database: Database,
  located: Located,
  query: { readonly filter: Filter; readonly limit: number; readonly after?: string },
  options: CallOptions | undefined,
): Promise<Page<DocumentSummary>> {
  const binds = createBinds();
  const after = query.after === undefined ? '' : `t.document_id > ${binds.add(text(query.after))} AND `;
  const condition = filterSql(query.filter, located, binds);
  const limit = binds.add(integer(query.limit + 1));
  const rows = await database.query(
    {
      text: `SELECT t.document_id, t.content_hash, t.chunk_count, t.ingested_at, t.summary
        FROM ${located.documents} t WHERE ${after}(${condition})
        ORDER BY t.document_id FETCH FIRST ${limit} ROWS ONLY`,
      binds: binds.values,
    },
    options,
  );
  const items = rows.slice(0, query.limit).map(toSummary);
  return { items, next: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

function toSummary(row: Row): DocumentSummary {
  const found = readRow(summaryRowSchema, row);
  const { title, source, metadata } = found.summary;
  return {
    id: found.document_id,
    title,
    source,
    metadata,
    contentHash: found.content_hash,
    ingestedAt: found.ingested_at.toISOString(),
    chunkCount: found.chunk_count,
  };
}

export async function countDocuments(
  database: Database,
  located: Located,
  filter: Filter,
  options: CallOptions | undefined,
): Promise<number> {
  const binds = createBinds();
  const condition = filterSql(filter, located, binds);
  const [row] = await database.query(
    {
      text: `SELECT COUNT(*) AS matches FROM ${located.documents} t WHERE ${condition}`,
      binds: binds.values,
    },
    options,
  );
  return Number(row?.['matches'] ?? 0);
}

/** A document's chunks in order. */
export async function documentChunks(
  database: Database,
  located: Located,
  id: string,
  range: { readonly from: number; readonly to: number },
  options: CallOptions | undefined,
): Promise<readonly ChunkRecord[]> {
  const rows = await database.query(
    {
      text: `${selectChunks(located)} WHERE c.document_id = :b_1 AND c.ordinal BETWEEN :b_2 AND :b_3
        ORDER BY c.ordinal`,
      binds: { b_1: text(id), b_2: integer(range.from), b_3: integer(range.to) },
    },
    options,
  );
  return readRows(chunkRowSchema, rows).map(toRecord);
}

export async function getChunks(
  database: Database,
  located: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, ChunkRecord>> {
  const rows = await inParts(ids, (part) => {
    const binds = createBinds();
    const condition = inList('c.chunk_id', part, binds);
    return database.query(
      { text: `${selectChunks(located)} WHERE ${condition}`, binds: binds.values },
      options,
    );
  });
  return new Map(
    readRows(chunkRowSchema, rows)
      .map(toRecord)
      .map((record) => [record.id, record]),
  );
}

/** Chunks with their documents' citation and metadata. */
function selectChunks({ tables, documents }: Located): string {
  return `SELECT c.chunk_id, c.document_id, c.ordinal, c.content, d.summary
    FROM ${tables.chunks} c JOIN ${documents} d ON d.document_id = c.document_id`;
}

function toRecord(found: z.infer<typeof chunkRowSchema>): ChunkRecord {
  const { text: own, offset, ...content } = found.content;
  return {
    id: found.chunk_id,
    documentId: found.document_id,
    ordinal: found.ordinal,
    text: own ?? content.indexedText.slice(offset),
    ...content,
    ...found.summary,
  };
}
