/** Checks what comes back from the database before it is believed. */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { Row } from './database.js';
import {
  blockSchema,
  chunkerSchema,
  fieldListSchema,
  metadataSchema,
  pinSchema,
  vectorIndexSchema,
} from '../record-schemas.js';

export const bigintSchema = z.union([z.string(), z.number()]).transform(Number).pipe(z.number().int());

export const collectionRowSchema = z.object({
  collection_id: z.number().int(),
  name: z.string(),
  created_at: z.date(),
  field_mode: z.enum(['declared', 'inferred']),
  fields: fieldListSchema,
  language: z.enum(['english', 'none']),
  generation_id: z.number().int(),
  state: z.enum(['building', 'active', 'retired']),
  embedder: z.string(),
  pin: pinSchema,
  chunker: chunkerSchema,
  metric: z.enum(['cosine', 'dot', 'l2']),
  vector_index: vectorIndexSchema,
  next_key: bigintSchema,
  chunk_count: bigintSchema,
  index_built: z.boolean(),
});

export const summaryRowSchema = z.object({
  id: z.string(),
  title: z.string().nullable(),
  source: z.string().nullable(),
  metadata: metadataSchema,
  content_hash: z.string(),
  ingested_at: z.date(),
  chunk_count: z.number().int(),
});

export const documentRowSchema = summaryRowSchema.extend({ body: z.string(), blocks: z.array(blockSchema) });

export const hitRowSchema = z.object({
  chunk_id: z.string(),
  document_id: z.string(),
  score: z.number(),
});

export const countedRowSchema = z.object({ matches: z.number().int(), rows: z.number().nullable() });

export const bucketRowSchema = z.object({ bucket: z.number().int() });

export const chunkRowSchema = z.object({
  chunk_id: z.string(),
  document_id: z.string(),
  ordinal: z.number().int(),
  span_start: z.number().int(),
  span_end: z.number().int(),
  overlap: z.number().int(),
  heading_path: z.array(z.string()),
  body: z.string().nullable(),
  body_offset: z.number().int().nullable(),
  indexed_text: z.string(),
  tokens: z.number().int(),
  split: z.enum(['block', 'sentence', 'token']),
  title: z.string().nullable(),
  source: z.string().nullable(),
  metadata: metadataSchema,
  /** Values of the field columns, in their order. */
  field_values: z.array(z.unknown()),
});

export const termRowSchema = z.object({ term: z.string(), frequency: z.number() });

export const statisticsRowSchema = z.object({ chunks: bigintSchema, terms: bigintSchema });

/** A generation's counters after a write. */
export const versionRowSchema = z
  .object({ next_key: bigintSchema, chunk_count: bigintSchema })
  .transform((row) => ({ nextKey: row.next_key, chunks: row.chunk_count }));

/** When a generation was made, and when its state last changed. */
export const datesRowSchema = z.object({ made_at: z.date(), changed_at: z.date() });

/** A generation's row as it is locked for writing. */
export const lockedRowSchema = z
  .object({
    id: z.number().int(),
    state: z.string(),
    pin: pinSchema,
    vector_index: vectorIndexSchema,
    next_key: z.number(),
  })
  .transform((row) => ({
    id: row.id,
    state: row.state,
    pin: row.pin,
    index: row.vector_index,
    nextKey: row.next_key,
  }));

export const extensionRowSchema = z.object({ extversion: z.string() });

/** @throws RetrievalError `store_invalid_response` */
export function readRow<T>(schema: z.ZodType<T>, row: Row | undefined): T {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RetrievalError(
    'store_invalid_response',
    `A row of the database is not as it was written: ${issue?.path.join('.') ?? ''} ${issue?.code ?? ''}`,
  );
}

export function readRows<T>(schema: z.ZodType<T>, rows: readonly Row[]): readonly T[] {
  return rows.map((row) => readRow(schema, row));
}
