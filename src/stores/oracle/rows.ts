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

/** JSON that is kept as text. */
function json<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z
    .string()
    .transform((value, context): unknown => {
      try {
        return JSON.parse(value);
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

const fieldsSchema = json(fieldListSchema);

const stateSchema = z.enum(['building', 'active', 'retired']);

export const collectionRowSchema = z.object({
  collection_id: z.number().int(),
  name: z.string(),
  created_at: z.date(),
  field_mode: z.enum(['declared', 'inferred']),
  fields: fieldsSchema,
  language: z.enum(['english', 'none']),
  generation_id: z.number().int(),
  state: stateSchema,
  made_at: z.date(),
  changed_at: z.date(),
  embedder: z.string(),
  pin: json(pinSchema),
  chunker: json(chunkerSchema),
  metric: z.enum(['cosine', 'dot', 'l2']),
  vector_index: json(vectorIndexSchema),
  chunk_count: z.number().int(),
  index_built: z.number().transform((flag) => flag === 1),
});

export const lockedFieldsSchema = z.object({ id: z.number().int(), fields: fieldsSchema });

export const lockedGenerationSchema = z.object({
  id: z.number().int(),
  state: stateSchema,
  pin: json(pinSchema),
  next_key: z.number().int(),
  chunk_count: z.number().int(),
  analyzed_count: z.number().int(),
  index_built: z.number().transform((flag) => flag === 1),
});

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

/** What a document's summary holds: what is shown of it without its text. */
const summarySchema = json(
  z.object({
    title: z.string().nullable(),
    source: z.string().nullable(),
    metadata: metadataSchema,
    values: z.record(z.string(), z.union([scalarSchema, z.array(scalarSchema)])),
  }),
);

export const summaryRowSchema = z.object({
  document_id: z.string(),
  content_hash: z.string(),
  chunk_count: z.number().int(),
  ingested_at: z.date(),
  summary: summarySchema,
});

export const documentRowSchema = summaryRowSchema.extend({
  content: json(
    z.object({
      text: z.string(),
      blocks: z.array(blockSchema),
    }),
  ),
});

export const chunkRowSchema = z.object({
  chunk_id: z.string(),
  document_id: z.string(),
  ordinal: z.number().int(),
  content: json(
    z.object({
      start: z.number().int(),
      end: z.number().int(),
      overlap: z.number().int(),
      headingPath: z.array(z.string()),
      /** Null where the text ends the indexed text; it then begins at the offset. */
      text: z.string().nullable(),
      offset: z.number().int(),
      indexedText: z.string(),
      tokens: z.number().int(),
      split: z.enum(['block', 'sentence', 'token']),
    }),
  ),
  summary: summarySchema,
});

export const hitRowSchema = z.object({
  chunk_id: z.string(),
  document_id: z.string(),
  distance: z.number(),
});

export const scoredRowSchema = z.object({
  chunk_id: z.string(),
  chunk_key: z.number().int(),
  term_count: z.number().int(),
  distance: z.number().nullable(),
});

export const statisticsRowSchema = z.object({ chunk_count: z.number(), term_count: z.number() });

export const termRowSchema = z.object({ term: z.string(), frequency: z.number() });

export const postingRowSchema = z.object({
  chunk_key: z.number().int(),
  term: z.string(),
  frequency: z.number().int(),
});

export const foundRowSchema = postingRowSchema.extend({
  chunk_id: z.string(),
  document_id: z.string(),
  term_count: z.number().int(),
});

export const vectorRowSchema = z.object({ text_hash: z.string(), embedding: z.instanceof(Float32Array) });

export const countsRowSchema = z.object({ documents: z.number().int(), missing: z.number().int() });

/** A document with its fields' columns, which are loaded again as they are. */
export const fieldsRowSchema = z
  .object({ document_id: z.string(), content_hash: z.string() })
  .catchall(z.union([z.string(), z.number()]).nullable());

export const recordRowSchema = z.object({
  id: z.number().int(),
  kind: z.string(),
  written_at: z.date(),
  content: json(metadataSchema),
});

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
