/** A collection's own questions, which gates ask. */
import { z } from 'zod';
import { answer, collectionParams } from '../schemas/common.js';
import {
  evalSetListSchema,
  evalSetParams,
  evalSetQuery,
  evalSetSchema,
  keptEvalSetSchema,
  newEvalSetSchema,
} from '../schemas/gate.js';
import { BODY_CODES, STORE_CODES, problemResponses } from '../schemas/problem.js';
import type { RouteContext, ZodApp } from '../types.js';
import { workOf } from '../work-hooks.js';

const CODES = [
  'invalid_collection_name',
  'collection_not_found',
  'unsupported_capability',
  ...STORE_CODES,
] as const;

export function evalSetRoutes(app: ZodApp, { runtime: { evalSets } }: RouteContext): void {
  app.get(
    '/collections/:name/evalsets',
    {
      schema: {
        operationId: 'listEvalSets',
        summary: "A collection's eval sets, by name",
        tags: ['generations'],
        params: collectionParams,
        response: { 200: answer('All of them', evalSetListSchema), ...problemResponses(...CODES) },
      },
    },
    async (request) => ({
      eval_sets: [...(await workOf(request).run((options) => evalSets.list(request.params.name, options)))],
    }),
  );

  app.put(
    '/collections/:name/evalsets/:set',
    {
      schema: {
        operationId: 'putEvalSet',
        summary: 'Keep questions with the collection; a set of the same name is replaced',
        description:
          'Documents and passages that the collection does not hold are told of in `warnings`. The set is kept all the same, for they may come later; a gate or an evaluation is refused as long as none of them is there.',
        tags: ['generations'],
        params: evalSetParams,
        body: newEvalSetSchema,
        response: {
          200: answer('The set', keptEvalSetSchema),
          ...problemResponses(...CODES, ...BODY_CODES),
        },
      },
    },
    async (request) => {
      const { name, set } = request.params;
      // Of a JSON body; zod does not say so of members that it does not know.
      const questions = request.body.questions as Parameters<typeof evalSets.put>[1]['questions'];
      const { warnings, ...summary } = await workOf(request).run((options) =>
        evalSets.put(name, { name: set, questions }, options),
      );
      return { ...summary, warnings: [...warnings] };
    },
  );

  app.get(
    '/collections/:name/evalsets/:set',
    {
      schema: {
        operationId: 'getEvalSet',
        summary: 'The questions of an eval set, page by page',
        tags: ['generations'],
        params: evalSetParams,
        querystring: evalSetQuery,
        response: {
          200: answer('A page of questions', evalSetSchema),
          ...problemResponses('not_found', ...CODES),
        },
      },
    },
    async (request) => {
      const { name, set } = request.params;
      const { limit, offset } = request.query;
      const { questions } = await workOf(request).run((options) => evalSets.get(name, set, options));
      const end = offset + limit;
      return {
        name: set,
        total: questions.length,
        questions: questions.slice(offset, end).map((question) => ({ ...question })),
        next: end < questions.length ? end : null,
      };
    },
  );

  app.delete(
    '/collections/:name/evalsets/:set',
    {
      schema: {
        operationId: 'deleteEvalSet',
        summary: 'Forget an eval set',
        tags: ['generations'],
        params: evalSetParams,
        response: {
          204: z.undefined().meta({ description: 'It is gone' }),
          ...problemResponses('not_found', ...CODES),
        },
      },
    },
    async (request, reply) => {
      const { name, set } = request.params;
      await workOf(request).run((options) => evalSets.remove(name, set, options));
      return reply.code(204).send();
    },
  );
}
