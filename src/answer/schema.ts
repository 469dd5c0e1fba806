/** An answer's request, its result and the events of its stream, as zod schemas. Names are the wire's. */
import { z } from 'zod';
import { queryRequestSchema, warningSchema } from '../retrieval/schema.js';

const DEFAULT_SOURCES = 8;
const MAX_SOURCES = 100;

/** A model's id, an inference profile's, or the ARN of either, as Converse takes them. */
export const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9:./_-]{0,2047}$/u;

const {
  query,
  mode,
  filter,
  candidates,
  fusion,
  recency,
  rerank,
  min_score,
  model_version,
  ef_search,
  exact,
} = queryRequestSchema.shape;

export const answerRequestSchema = z
  .strictObject({
    query,
    mode,
    top_k: z
      .number()
      .int()
      .min(1)
      .max(MAX_SOURCES)
      .default(DEFAULT_SOURCES)
      .meta({ description: 'Most passages that the model is given' }),
    filter,
    candidates,
    fusion,
    recency,
    rerank,
    min_score: min_score.meta({
      description:
        'Passages that score less are not given. When none is left, the answer is that it is not known',
    }),
    model_version,
    ef_search,
    exact,
    model: z
      .string()
      .regex(MODEL_ID, 'is not the id or ARN of a model')
      .optional()
      .meta({ description: 'Any model that Converse takes; PLUMBLINE_ANSWER_MODEL when absent' }),
    max_tokens: z
      .number()
      .int()
      .min(1)
      .max(65_536)
      .optional()
      .meta({ description: 'Longest answer; PLUMBLINE_ANSWER_MAX_TOKENS when absent' }),
    prompt_tokens: z.number().int().min(100).max(1_000_000).optional().meta({
      description:
        'Room for the prompt; passages that do not fit are left out, the last ranked first. PLUMBLINE_ANSWER_PROMPT_TOKENS when absent',
    }),
    temperature: z.number().min(0).max(1).optional().meta({ description: "The model's own when absent" }),
    stream: z
      .boolean()
      .default(false)
      .meta({ description: 'Answer as server-sent events; so does `Accept: text/event-stream`' }),
  })
  .meta({ id: 'AnswerRequest' });

export const sourceSchema = z
  .strictObject({
    number: z.number().int().meta({ description: 'As the markers [S1], [S2] in the answer name it' }),
    chunk_id: z.string(),
    document_id: z.string(),
    title: z.string().nullable(),
    source: z.string().nullable(),
    heading_path: z.array(z.string()),
    text: z.string(),
    score: z.number().nullable().meta({ description: 'null where a knowledge base does not tell it' }),
  })
  .meta({ id: 'AnswerSource' });

export const citationSchema = z
  .strictObject({
    start: z.number().int().meta({ description: 'Span in the answer, in UTF-16 code units' }),
    end: z.number().int(),
    text: z.string().meta({ description: 'What stands there' }),
    source: z.number().int().meta({ description: 'Number of the source that supports it' }),
    chunk_id: z.string(),
    document_id: z.string(),
    title: z.string().nullable(),
    heading_path: z.array(z.string()),
    quote: z
      .string()
      .meta({ description: "The part of the passage that is nearest to the span's words, verbatim" }),
    score: z.number().nullable(),
  })
  .meta({ id: 'Citation' });

const usageSchema = z
  .strictObject({ input_tokens: z.number().int(), output_tokens: z.number().int() })
  .nullable()
  .meta({ description: 'As the provider counts; null when no model was asked or it does not say' });

const tookSchema = z.strictObject({ retrieve: z.number(), generate: z.number(), total: z.number() });

const head = {
  collection: z.string(),
  generation: z.number().int(),
  model_version: z.string().meta({ description: 'What the passages were found with' }),
  model: z.string().meta({ description: 'What the answer is written by' }),
};

const tail = {
  grounded: z
    .boolean()
    .meta({ description: 'Whether at least one source is cited. false: not known, or not supported' }),
  stop_reason: z
    .string()
    .nullable()
    .meta({ description: 'Why the model stopped, in its words; null when it was not asked' }),
  usage: usageSchema,
  took_ms: tookSchema,
};

export const answerSchema = z
  .strictObject({
    ...head,
    answer: z.string().meta({ description: 'With markers [S1] that name the sources' }),
    citations: z.array(citationSchema),
    sources: z.array(sourceSchema).meta({ description: 'All that the model was given' }),
    warnings: z.array(warningSchema),
    ...tail,
  })
  .meta({ id: 'Answer' });

/** What the stream sends, in this order; `error` in place of what can no longer come. */
export type AnswerEvent =
  /** May come again, when a knowledge base tells its sources late; the last one counts. */
  | { readonly event: 'sources'; readonly data: AnswerHead & { readonly sources: readonly AnswerSource[] } }
  | { readonly event: 'text'; readonly data: { readonly text: string } }
  | {
      readonly event: 'citations';
      readonly data: { readonly citations: readonly Citation[]; readonly warnings: Answer['warnings'] };
    }
  | { readonly event: 'done'; readonly data: AnswerTail };

export type AnswerInput = z.input<typeof answerRequestSchema>;
export type AnswerRequest = z.output<typeof answerRequestSchema>;
export type Answer = z.output<typeof answerSchema>;
export type AnswerSource = z.output<typeof sourceSchema>;
export type Citation = z.output<typeof citationSchema>;
export type AnswerHead = Pick<Answer, 'collection' | 'generation' | 'model_version' | 'model'>;
export type AnswerTail = Pick<Answer, 'grounded' | 'stop_reason' | 'usage' | 'took_ms'>;
