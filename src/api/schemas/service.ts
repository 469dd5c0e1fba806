/** The service itself on the wire: models, probes, index page. */
import { z } from 'zod';

export const embeddersSchema = z.strictObject({
  embedders: z.array(
    z.strictObject({ id: z.string().meta({ description: 'What `embedder` of a new collection takes' }) }),
  ),
});

export const capabilitiesSchema = z.strictObject({
  store: z.string().meta({ description: 'The store of this service' }),
  metrics: z.array(z.enum(['cosine', 'dot', 'l2'])),
  indexes: z.array(z.enum(['hnsw', 'ivfflat', 'none'])).meta({
    description: 'The first is what a collection gets that names none',
  }),
  languages: z.array(z.enum(['english', 'none'])),
  partitions: z
    .boolean()
    .meta({ description: 'Whether an HNSW index can be in parts, by the values of a field' }),
  generations: z.boolean().meta({ description: 'Whether a collection can have several generations' }),
  max_dimensions: z.number().int().meta({ description: 'Longest vector that can be stored' }),
});

export const healthSchema = z.strictObject({ status: z.literal('ok'), version: z.string() });

export const readySchema = z.strictObject({ status: z.literal('ready'), store: z.string() });
