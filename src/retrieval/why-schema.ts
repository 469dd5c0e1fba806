/** The question why a document was not returned, and its answer, as zod schemas. */
import { z } from 'zod';
import { queryRequestSchema } from './schema.js';

/** Where a document was lost, in the order of the stages; the last: it was not lost. */
export const WHY_STAGES = [
  'not_ingested',
  'no_text',
  'not_built',
  'filtered_out',
  'ann_miss',
  'below_candidates',
  'reranked_away',
  'below_min_score',
  'grouped_away',
  'before_page',
  'below_page',
  'returned',
] as const;

export const whyRequestSchema = z
  .strictObject({
    request: queryRequestSchema,
    document_id: z.string().min(1).max(1024).meta({ description: 'The document that was expected' }),
    chunk_id: z.string().min(1).max(200).optional().meta({ description: 'And this passage of it' }),
  })
  .meta({ id: 'WhyRequest' });

const valueSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.union([z.string(), z.number(), z.boolean()])),
  z.null(),
]);

const whyLegSchema = z
  .strictObject({
    rank: z.number().int().nullable().meta({
      description:
        'Place by exact scores among what the filter lets through; null when it is below the depth looked at',
    }),
    score: z.number().nullable(),
    candidates: z.number().int().meta({ description: 'Hits that this leg contributes to the query' }),
    depth: z.number().int().meta({ description: 'How far down was looked' }),
  })
  .meta({ id: 'WhyLeg' });

export const whyAnswerSchema = z
  .strictObject({
    collection: z.string(),
    generation: z.number().int(),
    document_id: z.string(),
    stage: z.enum(WHY_STAGES),
    reason: z.string().meta({ description: 'The same in a sentence, with what to do' }),
    chunk: z
      .strictObject({ chunk_id: z.string(), ordinal: z.number().int(), heading_path: z.array(z.string()) })
      .nullable()
      .meta({ description: "The document's passage that came furthest" }),
    filter: z
      .array(
        z.strictObject({
          field: z.string().nullable(),
          operator: z.string(),
          operand: valueSchema,
          negated: z.boolean(),
          value: valueSchema.meta({ description: 'What the document has; null when it has no such field' }),
        }),
      )
      .meta({ description: 'The predicates by which it was left out' }),
    vector: whyLegSchema.nullable(),
    keyword: whyLegSchema.nullable(),
    fused: z
      .strictObject({
        rank: z.number().int(),
        score: z.number(),
        of: z.number().int().meta({ description: 'Hits that were ranked' }),
        last_on_page: z.number().nullable().meta({ description: 'Score of the last hit of the page' }),
      })
      .nullable(),
  })
  .meta({ id: 'WhyAnswer' });

export type WhyRequest = z.output<typeof whyRequestSchema>;
export type WhyAnswer = z.output<typeof whyAnswerSchema>;
export type WhyStage = WhyAnswer['stage'];
