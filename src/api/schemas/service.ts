/** The service itself on the wire: models, probes, index page. */
import { z } from 'zod';

export const embeddersSchema = z.strictObject({
  embedders: z.array(
    z.strictObject({ id: z.string().meta({ description: 'What `embedder` of a new collection takes' }) }),
  ),
});

export const healthSchema = z.strictObject({ status: z.literal('ok'), version: z.string() });

export const readySchema = z.strictObject({ status: z.literal('ready'), store: z.string() });
