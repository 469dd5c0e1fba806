/** Parts that several routes share. */
import { z } from 'zod';
import { COLLECTION_NAME } from '../../catalog/names.js';
import { jsonValueSchema } from '../../retrieval/schema.js';

// A name of its own, so that the recursive type is one component of the OpenAPI document.
z.globalRegistry.add(jsonValueSchema, { id: 'JsonValue', description: 'Any JSON value' });

/** Checked by the catalog, whose error says what a name may be; the pattern here is for the reader. */
export const collectionNameSchema = z.string().meta({
  description: 'Name of the collection',
  pattern: COLLECTION_NAME.source,
  examples: ['handbook'],
});

export const collectionParams = z.strictObject({ name: collectionNameSchema });

export const metadataSchema = z.record(z.string(), jsonValueSchema).meta({
  description: 'Whatever is known of the document. Fields of the collection can be filtered on',
  examples: [{ dept: 'Legal', tags: ['gdpr'], published_at: '2024-05-01' }],
});

export const filterSchema = z.record(z.string(), jsonValueSchema).meta({
  description: 'Metadata filter: {"field": value}, {"field": {"$gte": …}}, $and, $or, $not; {} is everything',
  examples: [{ dept: 'Legal', published_at: { $gte: '2024-01-01' } }],
});

/** Most documents of one page of a listing. */
const MAX_PAGE = 1000;

export const limitSchema = z.number().int().min(1).max(MAX_PAGE);
export const DEFAULT_LIMIT = 100;

export const afterSchema = z.string().min(1).optional().meta({
  description: 'The `next` of the page before',
});

/** A JSON answer with a description of its own in the reference. */
export function answer<S extends z.ZodType>(
  description: string,
  schema: S,
): {
  readonly description: string;
  readonly content: { readonly 'application/json': { readonly schema: S } };
} {
  return { description, content: { 'application/json': { schema } } };
}
