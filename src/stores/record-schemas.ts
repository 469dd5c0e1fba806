/** What stores read back of a collection and of a document, however each of them keeps it. */
import { z } from 'zod';

/** Fields in the order of their columns. */
export const fieldListSchema = z.array(
  z.object({
    name: z.string(),
    type: z.enum(['keyword', 'number', 'boolean', 'date', 'keyword[]', 'number[]', 'boolean[]', 'date[]']),
  }),
);

export const pinSchema = z.strictObject({
  provider: z.string(),
  model: z.string(),
  revision: z.string(),
  weightsSha256: z.string().nullable(),
  tokenizerSha256: z.string().nullable(),
  dimensions: z.number().int().positive(),
  pooling: z.enum(['mean', 'cls', 'provider']),
  normalized: z.boolean(),
  precision: z.string(),
  documentPrefix: z.string(),
  queryPrefix: z.string(),
  canaries: z
    .array(z.object({ text: z.string(), inputType: z.enum(['document', 'query']), vector: z.string() }))
    .readonly()
    .exactOptional(),
});

export const chunkerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('structure'), targetTokens: z.number(), overlapTokens: z.number() }),
  z.object({ kind: z.literal('fixed'), targetTokens: z.number(), overlapTokens: z.number() }),
  z.object({
    kind: z.literal('semantic'),
    maxTokens: z.number(),
    bufferSize: z.number(),
    breakpointPercentile: z.number(),
  }),
  z.object({ kind: z.literal('hierarchical'), childTokens: z.number(), parentTokens: z.number() }),
]);

export const vectorIndexSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('hnsw'),
    m: z.number(),
    efConstruction: z.number(),
    buildAfter: z.number(),
    compression: z.enum(['2x', '4x', '8x', '16x', '32x']).exactOptional(),
    onDisk: z.literal(true).exactOptional(),
    partitions: z
      .object({ field: z.string(), count: z.number().int().min(1), by: z.enum(['value', 'month', 'year']) })
      .exactOptional(),
  }),
  z.object({
    kind: z.literal('ivfflat'),
    lists: z.union([z.number(), z.literal('auto')]),
    buildAfter: z.number(),
  }),
  z.object({ kind: z.literal('none') }),
]);

export const metadataSchema = z.record(z.string(), z.json());

export const blockSchema = z.object({
  kind: z.enum(['heading', 'paragraph', 'list', 'table', 'code', 'quote', 'other']),
  start: z.number(),
  end: z.number(),
  level: z.number().exactOptional(),
  title: z.string().exactOptional(),
});
