/**
 * A query and its answer, as zod schemas: the one source of their types, their validation and
 * their OpenAPI description. Names are the wire's.
 */
import { z } from 'zod';
import type { JsonValue } from '../model.js';
import { MAX_RERANK_SOURCES, RERANK_MODELS } from '../rerank/port.js';

export const MODES = ['hybrid', 'vector', 'keyword'] as const;
export const FUSION_METHODS = ['tm2c2', 'min_max', 'rrf'] as const;

/** Weight of the vector leg where none is given, chosen on the train split of SciFact. */
export const DEFAULT_VECTOR_WEIGHT = { tm2c2: 0.8, min_max: 0.5 } as const;
/** Rank constant of reciprocal rank fusion, from Cormack et al., SIGIR 2009. */
export const DEFAULT_RANK_CONSTANT = 60;
/** Candidates a leg contributes before fusion. */
export const DEFAULT_CANDIDATES = 100;
export const MAX_CANDIDATES = 1000;

/** Any JSON value, typed as the model has it. */
export const jsonValueSchema: z.ZodType<JsonValue> = z.json();

const filterInput = z
  .record(z.string(), jsonValueSchema)
  .meta({ description: 'Metadata filter: {"field": value}, {"field": {"$gte": …}}, $and, $or, $not' });

export const recencySchema = z
  .strictObject({
    field: z.string().min(1).meta({ description: 'A date field of the collection' }),
    half_life_days: z.number().positive().meta({ description: 'Age at which the boost is one half' }),
    weight: z
      .number()
      .min(0)
      .max(1)
      .meta({ description: 'Share of recency in the score: score = (1 − w) · relevance + w · decay' }),
    now: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'The moment ages are counted from; the time of the query when absent' }),
  })
  .meta({ id: 'Recency' });

export const fusionSchema = z
  .strictObject({
    method: z.enum(FUSION_METHODS).default('tm2c2'),
    vector_weight: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({
        description: `Weight of the vector leg; the keyword leg has the rest. Absent: ${String(DEFAULT_VECTOR_WEIGHT.tm2c2)} under tm2c2, ${String(DEFAULT_VECTOR_WEIGHT.min_max)} under min_max. Not for rrf`,
      }),
    rank_constant: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({
        description: `k of reciprocal rank fusion, ${String(DEFAULT_RANK_CONSTANT)} when absent. Only for rrf`,
      }),
  })
  .refine((fusion) => fusion.method !== 'rrf' || fusion.vector_weight === undefined, {
    path: ['vector_weight'],
    message: 'rrf weighs both legs alike; leave vector_weight out, or use tm2c2 or min_max',
  })
  .refine((fusion) => fusion.method === 'rrf' || fusion.rank_constant === undefined, {
    path: ['rank_constant'],
    message: 'only rrf has a rank constant',
  })
  .meta({ id: 'Fusion' });

/** Candidates that a reranker sees where the query does not say. */
const DEFAULT_RERANK_CANDIDATES = 100;

export const rerankSchema = z
  .strictObject({
    model: z.enum(RERANK_MODELS),
    candidates: z
      .number()
      .int()
      .min(1)
      .max(MAX_RERANK_SOURCES)
      .default(DEFAULT_RERANK_CANDIDATES)
      .meta({ description: 'Best candidates of the fused order that the model sees; pages lie within it' }),
    top_k: z
      .number()
      .int()
      .min(1)
      .max(MAX_RERANK_SOURCES)
      .optional()
      .meta({ description: 'Of these, how many it gives back; all when absent. Pages lie within it' }),
    on_failure: z.enum(['fused_order', 'fail']).default('fused_order').meta({
      description:
        '`fused_order`: a reranker that fails leaves the order as it was, and the answer a warning. `fail`: the query fails',
    }),
  })
  .refine(({ candidates, top_k }) => top_k === undefined || top_k <= candidates, {
    path: ['top_k'],
    message: 'is more than rerank.candidates',
  })
  .meta({ id: 'Rerank' });

/** What an answer is less than it was asked to be, though it is no failure. */
export const warningSchema = z
  .strictObject({
    code: z
      .string()
      .meta({ description: 'Stable, for programs', examples: ['rerank_failed', 'generation_retired'] }),
    message: z.string(),
  })
  .meta({ id: 'Warning' });

export const queryRequestSchema = z
  .strictObject({
    query: z.string().trim().min(1).max(20_000),
    mode: z.enum(MODES).default('hybrid'),
    top_k: z.number().int().min(1).max(MAX_CANDIDATES).default(10),
    offset: z.number().int().min(0).max(MAX_CANDIDATES).default(0),
    filter: filterInput.optional(),
    candidates: z.number().int().min(1).max(MAX_CANDIDATES).default(DEFAULT_CANDIDATES).meta({
      description:
        'Hits each leg contributes. Pages (offset + top_k) lie within it; the same value gives the same order on every page',
    }),
    fusion: fusionSchema.prefault({}),
    recency: recencySchema.optional(),
    rerank: rerankSchema.optional(),
    min_score: z.number().optional(),
    group_by_document: z.enum(['none', 'best', 'merge']).default('none').meta({
      description:
        "`best`: one hit a document, its best chunk. `merge`: the same, with the document's other matching chunks inside the hit",
    }),
    neighbours: z
      .number()
      .int()
      .min(0)
      .max(5)
      .default(0)
      .meta({ description: 'Chunks before and after each hit to return with it' }),
    explain: z.boolean().default(false),
    model_version: z.string().min(1).optional().meta({
      description:
        'The model the caller expects. A generation of it answers while there is one; else it is refused with model_mismatch',
    }),
    generation: z
      .number()
      .int()
      .positive()
      .optional()
      .meta({ description: 'This generation instead of the active one' }),
    vector: z.array(z.number()).min(1).max(65_536).optional().meta({
      description:
        "The question's vector, from a caller who embeds by itself; `model_version` then has to name its model. `query` is still what the keyword leg looks for",
    }),
    ef_search: z.number().int().min(1).max(1000).optional(),
    exact: z
      .boolean()
      .default(false)
      .meta({ description: 'Compare every vector instead of using the index' }),
  })
  .refine((request) => request.vector === undefined || request.model_version !== undefined, {
    path: ['model_version'],
    message: 'has to name the model that `vector` was made with',
  })
  .refine((request) => request.vector === undefined || request.mode !== 'keyword', {
    path: ['vector'],
    message: 'is not used in keyword mode; leave it out',
  })
  .meta({ id: 'QueryRequest' });

export const legResultSchema = z
  .strictObject({
    rank: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Place in this leg, from 1; null when the leg did not bring the chunk itself' }),
    score: z.number().meta({ description: 'Raw score: similarity or BM25' }),
    normalized: z.number(),
    weight: z.number(),
  })
  .meta({ id: 'LegResult' });

export const explainSchema = z
  .strictObject({
    method: z.enum([...FUSION_METHODS, 'single', 'managed']).meta({
      description: '`single`: one leg was asked. `managed`: a knowledge base scored it, by means of its own',
    }),
    rank_constant: z.number().nullable(),
    vector: legResultSchema.nullable(),
    keyword: legResultSchema.nullable(),
    relevance: z.number().meta({ description: 'The fused score before recency' }),
    recency: z
      .strictObject({
        age_days: z.number().nullable().meta({ description: 'null when the document has no such date' }),
        half_life_days: z.number(),
        decay: z.number(),
        weight: z.number(),
      })
      .nullable(),
    rerank: z
      .strictObject({
        rank: z.number().int().meta({ description: "Place in the reranker's order, from 1" }),
        score: z.number().meta({ description: "The reranker's score, which is then the hit's" }),
        model: z.enum(RERANK_MODELS),
      })
      .optional(),
  })
  .meta({ id: 'Explain' });

const passageSchema = z.strictObject({
  chunk_id: z.string(),
  ordinal: z.number().int(),
  heading_path: z.array(z.string()),
  text: z.string(),
  start: z.number().int().meta({ description: "Span in the document's text, in UTF-16 code units" }),
  end: z.number().int(),
});

const matchedSchema = z
  .array(
    z.strictObject({
      chunk_id: z.string(),
      ordinal: z.number().int(),
      start: z.number().int(),
      end: z.number().int(),
      score: z.number(),
    }),
  )
  .meta({
    description:
      'Of a `hierarchical` collection: the small chunks that matched, best first, inside the passage that is shown',
  });

export const hitSchema = z
  .strictObject({
    ...passageSchema.shape,
    matched: matchedSchema.optional(),
    document_id: z.string(),
    score: z.number().meta({ description: 'Higher is better; comparable within this answer only' }),
    title: z.string().nullable(),
    source: z.string().nullable(),
    tokens: z.number().int(),
    metadata: z.record(z.string(), jsonValueSchema),
    explain: explainSchema.optional(),
    before: z.array(passageSchema).optional(),
    after: z.array(passageSchema).optional(),
    more: z
      .array(z.strictObject({ ...passageSchema.shape, score: z.number(), matched: matchedSchema.optional() }))
      .optional()
      .meta({ description: "The document's other matching chunks, best first (`merge`)" }),
  })
  .meta({ id: 'Hit' });

export const queryAnswerSchema = z
  .strictObject({
    collection: z.string(),
    generation: z.number().int(),
    model_version: z.string(),
    mode: z.enum(MODES),
    hits: z.array(hitSchema),
    total: z.number().int().meta({ description: 'Hits among the candidates, all pages together' }),
    recency_now: z.string().optional().meta({
      description: 'The moment ages were counted from; send it as `recency.now` for further pages',
    }),
    plan: z
      .strictObject({
        vector: z.enum(['exact', 'approximate']).nullable(),
        matches: z.number().int().nullable(),
      })
      .optional(),
    warnings: z.array(warningSchema).optional().meta({ description: 'Absent when there are none' }),
    took_ms: z.strictObject({
      embed: z.number(),
      legs: z.number(),
      complete: z.number(),
      rerank: z.number().optional(),
      total: z.number(),
    }),
  })
  .meta({ id: 'QueryAnswer' });

/** A query as the caller writes it. */
export type QueryInput = z.input<typeof queryRequestSchema>;
/** A query with its defaults filled in. */
export type QueryRequest = z.output<typeof queryRequestSchema>;
export type Warning = z.output<typeof warningSchema>;
export type Explain = z.output<typeof explainSchema>;
export type LegResult = z.output<typeof legResultSchema>;
export type Hit = z.output<typeof hitSchema>;
export type QueryAnswer = z.output<typeof queryAnswerSchema>;
