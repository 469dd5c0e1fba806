/** Generations and the history of a collection, on the wire. */
import { z } from 'zod';
import { jsonValueSchema } from '../../retrieval/schema.js';
import { generationShape, newCollectionSchema } from './collection.js';
import { collectionNameSchema } from './common.js';

const bySchema = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .optional()
  .meta({ description: 'Who does it, for the history; `api` when absent' });
const reasonSchema = z.string().trim().min(1).max(500).optional();

export const newGenerationSchema = z
  .strictObject({
    embedder: newCollectionSchema.shape.embedder.optional(),
    chunker: newCollectionSchema.shape.chunker,
    metric: newCollectionSchema.shape.metric,
    index: newCollectionSchema.shape.index,
    by: bySchema,
    reason: reasonSchema,
  })
  .meta({
    id: 'NewGeneration',
    description: 'What is left out is as in the active generation',
    examples: [{ embedder: 'titan-v2', by: 'ops' }],
  });

export const generationParams = z.strictObject({
  name: collectionNameSchema,
  generation: z.coerce.number().int().positive(),
});

export const activateSchema = z
  .strictObject({
    force: z.boolean().default(false).meta({ description: 'Without a passed gate; kept in the history' }),
    by: bySchema,
    reason: reasonSchema,
  })
  .refine((body) => !body.force || body.reason !== undefined, {
    path: ['reason'],
    message: 'has to say why the gate is passed over',
  })
  .meta({ id: 'Activate' });

export const authorSchema = z.strictObject({ by: bySchema, reason: reasonSchema }).meta({ id: 'Author' });

export const generationSchema = z
  .strictObject({
    ...generationShape,
    created_at: z.string(),
    changed_at: z.string().meta({ description: 'When it last became active or retired' }),
    counts: z.strictObject({ documents: z.number().int(), chunks: z.number().int() }),
    missing: z.number().int().meta({ description: 'Documents that have no chunks here yet' }),
    gate: z
      .strictObject({
        passed: z.boolean(),
        against: z.number().int(),
        at: z.string(),
        reasons: z.array(z.string()),
      })
      .nullable()
      .meta({ description: 'The latest quality gate; null before one was run' }),
    build: z
      .strictObject({
        state: z.enum(['running', 'done', 'failed']),
        documents: z.number().int().nullable(),
        embedded: z.number().int().nullable(),
        error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
      })
      .nullable()
      .meta({ description: 'The latest build by this process of the service; null when there was none' }),
  })
  .meta({ id: 'Generation' });

export const generationListSchema = z.strictObject({ generations: z.array(generationSchema) });

export const historyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  before: z.coerce.number().int().positive().optional().meta({ description: 'Entries before this id' }),
});

export const historySchema = z
  .strictObject({
    history: z.array(
      z.strictObject({
        id: z.number().int(),
        at: z.string(),
        event: z.string(),
        by: z.string(),
        details: z.record(z.string(), jsonValueSchema),
      }),
    ),
  })
  .meta({ id: 'History', description: 'The latest first' });

export type NewGenerationBody = z.output<typeof newGenerationSchema>;
export type GenerationWire = z.output<typeof generationSchema>;
