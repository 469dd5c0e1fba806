/** Documents on the wire. */
import { z } from 'zod';
import { ERRORS } from '../../errors.js';
import type { ErrorCode } from '../../errors.js';
import {
  DEFAULT_LIMIT,
  afterSchema,
  collectionParams,
  filterSchema,
  limitSchema,
  metadataSchema,
} from './common.js';

/** Most documents of one request; more go in several. */
const MAX_DOCUMENTS = 10_000;
/** Most ids of one delete. */
const MAX_IDS = 1000;

const idSchema = z.string().min(1).max(1024);

const documentInputSchema = z
  .strictObject({
    id: idSchema.meta({ description: "The document's name in its collection; putting it again replaces it" }),
    text: z.string().min(1).meta({ description: 'The content, in `format`' }),
    format: z.enum(['text', 'markdown', 'html']).default('text').meta({
      description:
        'How `text` is written. It is never guessed: `text` when absent, paragraphs without headings',
    }),
    title: z.string().min(1).optional().meta({ description: 'Overrides a title found in the text' }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Where it came from, a path or a URL; shown as the citation' }),
    metadata: metadataSchema.default({}),
  })
  .meta({ id: 'DocumentToPut' });

export const putDocumentsSchema = z
  .strictObject({ documents: z.array(documentInputSchema).min(1).max(MAX_DOCUMENTS) })
  .meta({
    id: 'PutDocuments',
    examples: [
      {
        documents: [
          {
            id: 'leave-policy',
            format: 'markdown',
            text: '# Leave\n\nEveryone has 30 days of leave a year.\n',
            source: 'https://example.com/leave',
            metadata: { dept: 'HR', published_at: '2024-05-01' },
          },
        ],
      },
    ],
  });

export const putSummarySchema = z
  .strictObject({
    added: z.number().int(),
    changed: z.number().int(),
    unchanged: z.number().int().meta({ description: 'Stored already, just so; they cost no embedding' }),
    failed: z
      .array(
        z.strictObject({
          id: z.string(),
          code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
          reason: z.string(),
        }),
      )
      .meta({ description: 'Documents that were not taken, and why; the others were' }),
    without_text: z
      .strictObject({
        documents: z.number().int(),
        ids: z.array(z.string()).meta({ description: 'Of the first ten' }),
      })
      .meta({ description: 'Of the added and changed documents, those without text: no query finds them' }),
    chunks: z.number().int().meta({ description: 'Chunks of the added and changed documents' }),
    embedded: z.number().int().meta({ description: 'Texts the model was asked for' }),
    reused: z
      .number()
      .int()
      .meta({ description: 'Chunks that kept their vector, their text being the same' }),
    took_ms: z.number(),
  })
  .meta({ id: 'PutSummary' });

const summaryShape = {
  id: z.string(),
  title: z.string().nullable(),
  source: z.string().nullable(),
  metadata: metadataSchema,
  content_hash: z.string().meta({ description: 'Hash of all that was put; equal means unchanged' }),
  ingested_at: z.string().meta({ format: 'date-time' }),
  chunk_count: z.number().int(),
};

const documentSummarySchema = z.strictObject(summaryShape).meta({ id: 'DocumentSummary' });

const chunkSchema = z
  .strictObject({
    id: z.string(),
    ordinal: z.number().int().meta({ description: "Position among the document's chunks, from 0" }),
    start: z.number().int().meta({ description: "Span in the document's text, in UTF-16 code units" }),
    end: z.number().int(),
    overlap: z
      .number()
      .int()
      .meta({ description: 'Leading characters that repeat the end of the chunk before' }),
    heading_path: z.array(z.string()),
    text: z.string(),
    tokens: z
      .number()
      .int()
      .meta({ description: 'As the pinned model counts them, the heading path included' }),
    split: z
      .enum(['block', 'sentence', 'token'])
      .meta({ description: 'Where its borders lie: between blocks, between sentences, or between tokens' }),
  })
  .meta({ id: 'Chunk' });

export const documentSchema = z
  .strictObject({ ...summaryShape, text: z.string(), chunks: z.array(chunkSchema) })
  .meta({ id: 'Document' });

export const documentListSchema = z
  .strictObject({
    documents: z.array(documentSummarySchema),
    next: z.string().nullable().meta({ description: 'Send as `after` for the next page; null at the end' }),
  })
  .meta({ id: 'DocumentList' });

export const documentParams = z.strictObject({
  ...collectionParams.shape,
  id: idSchema.meta({ description: "The document's id, URL-encoded (`a/b` is `a%2Fb`)" }),
});

/** The query string of a listing: everything is text there. */
export const listQuerySchema = z.strictObject({
  filter: z
    .string()
    .optional()
    .meta({
      description: 'A filter as JSON',
      examples: ['{"dept": "Legal"}'],
      contentMediaType: 'application/json',
    }),
  limit: z
    .string()
    .regex(/^\d{1,6}$/u, 'must be a whole number')
    .transform(Number)
    .pipe(limitSchema)
    .optional()
    .meta({ description: 'Most documents to answer, 1 to 1000; 100 when absent' }),
  after: afterSchema,
});

export const listBodySchema = z
  .strictObject({
    filter: filterSchema.optional(),
    limit: limitSchema.default(DEFAULT_LIMIT),
    after: afterSchema,
  })
  .meta({ id: 'ListDocuments', examples: [{ filter: { dept: 'Legal' }, limit: 20 }] });

export const countBodySchema = z
  .strictObject({ filter: filterSchema.optional() })
  .meta({ id: 'CountDocuments', examples: [{ filter: { dept: 'Legal' } }] });

export const countSchema = z.strictObject({ count: z.number().int() });

export const deleteBodySchema = z
  .strictObject({
    ids: z.array(idSchema).min(1).max(MAX_IDS).optional(),
    filter: filterSchema.optional(),
  })
  .refine((body) => (body.ids === undefined) !== (body.filter === undefined), {
    message: 'give either ids or filter',
  })
  .meta({
    id: 'DeleteDocuments',
    description: 'Either `ids` or `filter`. A filter that matches everything is refused',
    examples: [{ filter: { dept: 'Legal', published_at: { $lt: '2020-01-01' } } }, { ids: ['leave-policy'] }],
  });

export const deletedSchema = z.strictObject({ deleted: z.number().int() });

export type PutDocumentsBody = z.output<typeof putDocumentsSchema>;
export type PutSummaryWire = z.output<typeof putSummarySchema>;
export type DocumentSummaryWire = z.output<typeof documentSummarySchema>;
export type DocumentWire = z.output<typeof documentSchema>;
