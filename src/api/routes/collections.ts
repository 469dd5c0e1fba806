import { z } from 'zod';
import { collectionSchema, newCollectionSchema } from '../schemas/collection.js';
import { answer, collectionParams } from '../schemas/common.js';
import { anyCollectionListSchema, anyCollectionSchema, fromManaged } from '../schemas/managed-collection.js';
import { BODY_CODES, EMBEDDER_CODES, STORE_CODES, problemResponses } from '../schemas/problem.js';
import { capabilitiesSchema, embeddersSchema } from '../schemas/service.js';
import type { RouteContext, ZodApp } from '../types.js';
import { fromCollection, toNewCollection } from '../wire.js';
import { workOf } from '../work-hooks.js';

export function collectionRoutes(app: ZodApp, { runtime }: RouteContext): void {
  const { catalog } = runtime;

  app.get(
    '/embedders',
    {
      schema: {
        operationId: 'listEmbedders',
        summary: 'Models that collections can be created with',
        tags: ['service'],
        response: { 200: answer('The models', embeddersSchema), ...problemResponses() },
      },
    },
    () => ({ embedders: runtime.embedders.map((id) => ({ id })) }),
  );

  app.get(
    '/stores/capabilities',
    {
      schema: {
        operationId: 'storeCapabilities',
        summary: 'What the store of this service can do; anything else is answered 422',
        tags: ['service'],
        response: { 200: answer('The store', capabilitiesSchema), ...problemResponses() },
      },
    },
    () => {
      const { kind, capabilities } = runtime.store;
      return {
        store: kind,
        metrics: [...capabilities.metrics],
        indexes: [...capabilities.indexes],
        languages: [...capabilities.languages],
        partitions: capabilities.partitions === true,
        generations: runtime.store.generations !== undefined,
        max_dimensions: capabilities.maxDimensions,
      };
    },
  );

  app.post(
    '/collections',
    {
      schema: {
        operationId: 'createCollection',
        summary: 'Create a collection',
        description:
          'The embedder is always named, and stays: a collection never holds vectors of two models.',
        tags: ['collections'],
        body: newCollectionSchema,
        response: {
          201: answer('The new collection', collectionSchema),
          ...problemResponses(
            'invalid_collection_name',
            'invalid_metadata',
            'collection_exists',
            'unsupported_capability',
            ...BODY_CODES,
            ...EMBEDDER_CODES,
            ...STORE_CODES,
          ),
        },
      },
    },
    async (request, reply) => {
      const created = await workOf(request).run((options) =>
        catalog.createCollection(toNewCollection(request.body), options),
      );
      return reply
        .code(201)
        .header('location', `/v1/collections/${created.name}`)
        .send(fromCollection(created));
    },
  );

  app.get(
    '/collections',
    {
      schema: {
        operationId: 'listCollections',
        summary: 'List the collections',
        tags: ['collections'],
        response: {
          200: answer('All of them, by name', anyCollectionListSchema),
          ...problemResponses(...STORE_CODES),
        },
      },
    },
    async (request) => {
      const collections = await workOf(request).run((options) => catalog.listCollections(options));
      const all = [...collections.map(fromCollection), ...runtime.managed.map(fromManaged)];
      return { collections: all.sort((a, b) => (a.name < b.name ? -1 : 1)) };
    },
  );

  app.get(
    '/collections/:name',
    {
      schema: {
        operationId: 'getCollection',
        summary: 'Describe a collection',
        tags: ['collections'],
        params: collectionParams,
        response: {
          200: answer('The collection', anyCollectionSchema),
          ...problemResponses('invalid_collection_name', 'collection_not_found', ...STORE_CODES),
        },
      },
    },
    async (request) => {
      const { name } = request.params;
      const managed = runtime.managed.find((collection) => collection.name === name);
      if (managed !== undefined) return fromManaged(managed);
      return fromCollection(
        await workOf(request).run((options) => catalog.describeCollection(name, options)),
      );
    },
  );

  app.delete(
    '/collections/:name',
    {
      schema: {
        operationId: 'deleteCollection',
        summary: 'Delete a collection with all it holds',
        tags: ['collections'],
        params: collectionParams,
        response: {
          204: z.undefined().meta({ description: 'It is gone' }),
          ...problemResponses('invalid_collection_name', 'collection_not_found', ...STORE_CODES),
        },
      },
    },
    async (request, reply) => {
      await workOf(request).run((options) => catalog.deleteCollection(request.params.name, options));
      return reply.code(204).send();
    },
  );
}
