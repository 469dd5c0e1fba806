/** Changing a collection's model beside the one that answers, and going back. */
import { z } from 'zod';
import { fromGeneration, toAuthor, toNewGeneration } from '../generation-wire.js';
import { answer, collectionParams } from '../schemas/common.js';
import {
  activateSchema,
  authorSchema,
  generationListSchema,
  generationParams,
  generationSchema,
  historyQuery,
  historySchema,
  newGenerationSchema,
} from '../schemas/generation.js';
import { BODY_CODES, EMBEDDER_CODES, STORE_CODES, problemResponses } from '../schemas/problem.js';
import type { RouteContext, ZodApp } from '../types.js';
import { noSuchGeneration } from '../../generations/refusals.js';
import type { GenerationDescription } from '../../generations/types.js';
import { workOf } from '../work-hooks.js';

const COLLECTION_CODES = [
  'invalid_collection_name',
  'collection_not_found',
  'unsupported_capability',
  ...STORE_CODES,
] as const;

export function generationRoutes(app: ZodApp, { runtime }: RouteContext): void {
  const { generations, builds } = runtime;
  const toWire = (name: string, generation: GenerationDescription): z.output<typeof generationSchema> =>
    fromGeneration(generation, builds.status(name, generation.id));

  app.get(
    '/collections/:name/generations',
    {
      schema: {
        operationId: 'listGenerations',
        summary: "A collection's generations, and how far they are built",
        tags: ['generations'],
        params: collectionParams,
        response: {
          200: answer('All of them, by id', generationListSchema),
          ...problemResponses(...COLLECTION_CODES),
        },
      },
    },
    async (request) => {
      const { name } = request.params;
      const all = await workOf(request).run((options) => generations.list(name, options));
      return { generations: all.map((generation) => toWire(name, generation)) };
    },
  );

  app.post(
    '/collections/:name/generations',
    {
      schema: {
        operationId: 'createGeneration',
        summary: 'Embed the collection anew, beside the active generation',
        description:
          'Makes a generation and builds it in the background from the stored documents; queries go on. It never becomes active by itself.',
        tags: ['generations'],
        params: collectionParams,
        body: newGenerationSchema,
        response: {
          202: answer('The new generation', generationSchema),
          ...problemResponses('generation_conflict', ...COLLECTION_CODES, ...BODY_CODES, ...EMBEDDER_CODES),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const author = toAuthor(request.body);
      const made = await workOf(request).run((options) =>
        generations.start(name, toNewGeneration(request.body), author, options),
      );
      builds.start(name, made.id, author);
      return reply.code(202).send(toWire(name, made));
    },
  );

  app.post(
    '/collections/:name/generations/:generation/build',
    {
      schema: {
        operationId: 'buildGeneration',
        summary: 'Go on with a build that was stopped',
        tags: ['generations'],
        params: generationParams,
        body: authorSchema,
        response: {
          202: answer('It is being built', generationListSchema),
          ...problemResponses('generation_not_found', ...COLLECTION_CODES, ...BODY_CODES),
        },
      },
    },
    async (request, reply) => {
      const { name, generation } = request.params;
      const all = await workOf(request).run((options) => generations.list(name, options));
      if (!all.some(({ id }) => id === generation)) throw noSuchGeneration(name, generation, all);
      builds.start(name, generation, toAuthor(request.body));
      return reply.code(202).send({ generations: all.map((one) => toWire(name, one)) });
    },
  );

  app.post(
    '/collections/:name/generations/:generation/activate',
    {
      schema: {
        operationId: 'activateGeneration',
        summary: 'Let this generation answer from now on',
        description: 'Needs a passed gate against the active generation, or `force` with a reason.',
        tags: ['generations'],
        params: generationParams,
        body: activateSchema,
        response: {
          200: answer('The active generation', generationSchema),
          ...problemResponses(
            'generation_not_found',
            'generation_conflict',
            'gate_failed',
            ...COLLECTION_CODES,
            ...BODY_CODES,
            ...EMBEDDER_CODES,
          ),
        },
      },
    },
    async (request) => {
      const { name, generation } = request.params;
      const { force } = request.body;
      const active = await workOf(request).run((options) =>
        generations.activate(name, generation, { ...toAuthor(request.body), force }, options),
      );
      return toWire(name, active);
    },
  );

  app.post(
    '/collections/:name/rollback',
    {
      schema: {
        operationId: 'rollback',
        summary: 'Let the generation answer again that did before',
        tags: ['generations'],
        params: collectionParams,
        body: authorSchema,
        response: {
          200: answer('The active generation', generationSchema),
          ...problemResponses(
            'generation_not_found',
            'generation_conflict',
            ...COLLECTION_CODES,
            ...BODY_CODES,
            ...EMBEDDER_CODES,
          ),
        },
      },
    },
    async (request) => {
      const { name } = request.params;
      const active = await workOf(request).run((options) =>
        generations.rollback(name, toAuthor(request.body), options),
      );
      return toWire(name, active);
    },
  );

  app.delete(
    '/collections/:name/generations/:generation',
    {
      schema: {
        operationId: 'deleteGeneration',
        summary: 'Drop a generation that is not active',
        tags: ['generations'],
        params: generationParams,
        response: {
          204: z.undefined().meta({ description: 'It is gone' }),
          ...problemResponses('generation_not_found', 'generation_conflict', ...COLLECTION_CODES),
        },
      },
    },
    async (request, reply) => {
      const { name, generation } = request.params;
      await workOf(request).run((options) => generations.drop(name, generation, { by: 'api' }, options));
      return reply.code(204).send();
    },
  );

  app.get(
    '/collections/:name/history',
    {
      schema: {
        operationId: 'history',
        summary: 'Who changed what of a collection, and what gates found',
        tags: ['generations'],
        params: collectionParams,
        querystring: historyQuery,
        response: { 200: answer('The history', historySchema), ...problemResponses(...COLLECTION_CODES) },
      },
    },
    async (request) => {
      const { limit, before } = request.query;
      const query = { limit, ...(before === undefined ? {} : { before }) };
      const entries = await workOf(request).run((options) =>
        generations.history(request.params.name, query, options),
      );
      return { history: entries.map((entry) => ({ ...entry, details: { ...entry.details } })) };
    },
  );
}
