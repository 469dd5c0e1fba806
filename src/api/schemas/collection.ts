/** Collections on the wire. */
import { z } from 'zod';
import { collectionNameSchema } from './common.js';

const scalarTypes = ['keyword', 'number', 'boolean', 'date'] as const;
const fieldTypes = [...scalarTypes, 'keyword[]', 'number[]', 'boolean[]', 'date[]'] as const;

const fieldsSchema = z.record(z.string(), z.enum(fieldTypes)).meta({
  description: 'Field path (dots join nested keys) → type',
  examples: [{ dept: 'keyword', tags: 'keyword[]', published_at: 'date' }],
});

const fieldModeSchema = z.enum(['declared', 'inferred']).meta({
  description: '`declared`: only the given fields can be filtered on. `inferred`: new ones are added as met',
});
const languageSchema = z
  .enum(['english', 'none'])
  .meta({ description: 'Stemming and stop words of the keyword leg' });
const metricSchema = z.enum(['cosine', 'dot', 'l2']);

const buildAfterSchema = z.number().int().min(0).meta({
  description: 'Chunks from which on the index is built; below that every vector is compared',
});

const hnsw = {
  kind: z.literal('hnsw'),
  m: z.number().int(),
  ef_construction: z.number().int(),
  build_after: buildAfterSchema,
  compression: z.enum(['2x', '4x', '8x', '16x', '32x']).optional().meta({
    description:
      "How much smaller the graph's vectors are; OpenSearch only, by its engine. Whole when absent",
  }),
  on_disk: z
    .literal(true)
    .optional()
    .meta({ description: 'Whole vectors are read from disk when they are needed; with `compression`' }),
};
const partitions = {
  field: z.string().meta({ description: 'A field of the collection, of one value and no list' }),
  count: z.number().int().meta({ description: 'Parts that values are spread over: 2 to 64' }),
};
const partitionBySchema = z.enum(['value', 'month', 'year']);
const ivfflat = {
  kind: z.literal('ivfflat'),
  lists: z.union([z.literal('auto'), z.number().int()]),
  build_after: buildAfterSchema,
};
const none = { kind: z.literal('none') };

/** An index as asked for: what is left out has the values that most collections want. */
const newIndexSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...hnsw,
      m: hnsw.m.default(16),
      ef_construction: hnsw.ef_construction.optional().meta({
        description: "The store's default when absent: 512 on OpenSearch, 128 elsewhere",
      }),
      build_after: buildAfterSchema.default(20_000),
      partitions: z
        .strictObject({
          ...partitions,
          by: partitionBySchema.optional().meta({
            description:
              '`value`, also when absent, for keywords, numbers and booleans; for dates one of the others',
          }),
        })
        .optional()
        .meta({
          description:
            'A graph for each part of the values of a field, for filters on it; PGlite and PostgreSQL. One graph when absent',
        }),
    }),
    z.strictObject({
      ...ivfflat,
      lists: ivfflat.lists.default('auto'),
      build_after: buildAfterSchema.default(20_000),
    }),
    z.strictObject(none),
  ])
  .meta({
    id: 'NewVectorIndex',
    description: 'The approximate index; the default of the store when absent: HNSW, or on Oracle IVF',
  });

const indexSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...hnsw,
      partitions: z.strictObject({ ...partitions, by: partitionBySchema }).optional(),
    }),
    z.strictObject(ivfflat),
    z.strictObject(none),
  ])
  .meta({ id: 'VectorIndex' });

export const newCollectionSchema = z
  .strictObject({
    name: collectionNameSchema,
    embedder: z
      .string()
      .min(1)
      .meta({
        description: 'An embedder of this service, as `GET /v1/embedders` lists them',
        examples: ['minilm-l6'],
      }),
    fields: fieldsSchema.optional(),
    field_mode: fieldModeSchema.optional(),
    language: languageSchema.optional(),
    metric: metricSchema.optional(),
    index: newIndexSchema.optional(),
    chunker: z
      .strictObject({
        kind: z
          .enum(['structure', 'fixed', 'semantic', 'hierarchical'])
          .optional()
          .meta({ description: 'How documents are cut; `structure` when absent' }),
        target_tokens: z
          .number()
          .int()
          .optional()
          .meta({ description: 'Of `structure`, 400 when absent, and `fixed`, 300' }),
        overlap_tokens: z
          .number()
          .int()
          .optional()
          .meta({ description: 'Of `structure` and `fixed`, 50 when absent' }),
        max_tokens: z.number().int().optional().meta({ description: 'Of `semantic`, 300 when absent' }),
        buffer_size: z.number().int().optional().meta({ description: 'Of `semantic`: 0, the default, or 1' }),
        breakpoint_percentile: z
          .number()
          .int()
          .optional()
          .meta({ description: 'Of `semantic`: 50 to 99, 95 when absent' }),
        child_tokens: z.number().int().optional().meta({ description: 'Of `hierarchical`, 150 when absent' }),
        parent_tokens: z
          .number()
          .int()
          .optional()
          .meta({ description: 'Of `hierarchical`, 600 when absent' }),
      })
      .optional()
      .meta({ description: 'Along the structure, 400 tokens with 50 of overlap, when absent' }),
  })
  .meta({
    id: 'NewCollection',
    examples: [
      { name: 'handbook', embedder: 'minilm-l6', fields: { dept: 'keyword', published_at: 'date' } },
    ],
  });

const pinSchema = z
  .strictObject({
    provider: z.string(),
    model: z.string(),
    revision: z.string(),
    weights_sha256: z.string().nullable(),
    tokenizer_sha256: z.string().nullable(),
    dimensions: z.number().int(),
    pooling: z.enum(['mean', 'cls', 'provider']),
    normalized: z.boolean(),
    precision: z.string(),
    document_prefix: z.string(),
    query_prefix: z.string(),
  })
  .meta({ id: 'Pin', description: 'Everything that decides a vector' });

const chunkerSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('structure'),
      target_tokens: z.number().int(),
      overlap_tokens: z.number().int(),
    }),
    z.strictObject({
      kind: z.literal('fixed'),
      target_tokens: z.number().int(),
      overlap_tokens: z.number().int(),
    }),
    z.strictObject({
      kind: z.literal('semantic'),
      max_tokens: z.number().int(),
      buffer_size: z.number().int(),
      breakpoint_percentile: z.number().int(),
    }),
    z.strictObject({
      kind: z.literal('hierarchical'),
      child_tokens: z.number().int(),
      parent_tokens: z.number().int(),
    }),
  ])
  .meta({ id: 'Chunker' });

/** What every generation says of itself. */
export const generationShape = {
  id: z.number().int(),
  state: z.enum(['building', 'active', 'retired']),
  embedder: z.string(),
  model_version: z.string().meta({ description: "The pin's short name, as queries and answers state it" }),
  pin: pinSchema,
  chunker: chunkerSchema,
  metric: metricSchema,
  index: indexSchema,
};

export const collectionSchema = z
  .strictObject({
    name: z.string(),
    created_at: z.string().meta({ format: 'date-time' }),
    field_mode: fieldModeSchema,
    fields: fieldsSchema,
    language: languageSchema,
    counts: z.strictObject({ documents: z.number().int(), chunks: z.number().int() }),
    generation: z.strictObject(generationShape).meta({ description: 'The embedding that queries use' }),
  })
  .meta({ id: 'Collection' });

export const collectionListSchema = z.strictObject({ collections: z.array(collectionSchema) });

export type NewCollectionBody = z.output<typeof newCollectionSchema>;
type NewIndexBody = NonNullable<NewCollectionBody['index']>;
export type NewPartitionsBody = NonNullable<Extract<NewIndexBody, { readonly kind: 'hnsw' }>['partitions']>;
export type CollectionWire = z.output<typeof collectionSchema>;
