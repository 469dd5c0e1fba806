/** Collections that another service keeps, on the wire. */
import { z } from 'zod';
import type { ManagedCollection } from '../../catalog/managed.js';
import { collectionSchema } from './collection.js';

export const managedCollectionSchema = z
  .strictObject({
    name: z.string(),
    kind: z.literal('bedrock-knowledge-base').meta({
      description: 'Kept by Amazon Bedrock: it can be queried and answers, and takes no documents',
    }),
    knowledge_base_id: z.string(),
    region: z
      .string()
      .nullable()
      .meta({ description: "null: the region of the service's other Bedrock calls" }),
    search_type: z.enum(['HYBRID', 'SEMANTIC']),
    fields: z.record(z.string(), z.string()).meta({ description: 'What filters may use' }),
    model_version: z.string(),
  })
  .meta({ id: 'ManagedCollection' });

/** Any collection; those of the store have no `kind`. */
export const anyCollectionSchema = z.union([collectionSchema, managedCollectionSchema]);

export const anyCollectionListSchema = z.strictObject({ collections: z.array(anyCollectionSchema) });

export function fromManaged(collection: ManagedCollection): z.output<typeof managedCollectionSchema> {
  const { name, kind, knowledgeBaseId, region, searchType, fields, modelVersion } = collection;
  return {
    name,
    kind,
    knowledge_base_id: knowledgeBaseId,
    region,
    search_type: searchType,
    fields: { ...fields },
    model_version: modelVersion,
  };
}
