import { answer, collectionParams } from '../schemas/common.js';
import {
  BODY_CODES,
  EMBEDDER_CODES,
  PROVIDER_CODES,
  STORE_CODES,
  problemResponses,
} from '../schemas/problem.js';
import { queryAnswerSchema, queryRequestSchema } from '../schemas/query.js';
import { whyAnswerSchema, whyRequestSchema } from '../../retrieval/why-schema.js';
import type { RouteContext, ZodApp } from '../types.js';
import { workOf } from '../work-hooks.js';

export function queryRoutes(app: ZodApp, { runtime, metrics }: RouteContext): void {
  app.post(
    '/collections/:name/query',
    {
      schema: {
        operationId: 'query',
        summary: 'Ask a collection',
        description:
          'Answers the passages that match best, by meaning and by words. `explain` shows how each score came about.',
        tags: ['query'],
        params: collectionParams,
        body: queryRequestSchema,
        response: {
          200: answer('The passages, best first', queryAnswerSchema),
          ...problemResponses(
            'invalid_filter',
            'unknown_field',
            'invalid_collection_name',
            'collection_not_found',
            'generation_not_found',
            'model_mismatch',
            'unsupported_capability',
            ...PROVIDER_CODES,
            ...BODY_CODES,
            ...EMBEDDER_CODES,
            ...STORE_CODES,
          ),
        },
      },
    },
    async (request) => {
      const found = await workOf(request).run((options) =>
        runtime.retrieve(request.params.name, request.body, options),
      );
      metrics.answered(found);
      runtime.queryLog?.queried(request.body, found);
      return found;
    },
  );

  app.post(
    '/collections/:name/why',
    {
      schema: {
        operationId: 'why',
        summary: 'Why a document is not among the hits',
        description: 'Asks the query again and follows the document through its stages until it is lost.',
        tags: ['query'],
        params: collectionParams,
        body: whyRequestSchema,
        response: {
          200: answer('Where the document was lost', whyAnswerSchema),
          ...problemResponses(
            'invalid_filter',
            'unknown_field',
            'invalid_collection_name',
            'collection_not_found',
            'generation_not_found',
            'model_mismatch',
            'unsupported_capability',
            ...PROVIDER_CODES,
            ...BODY_CODES,
            ...EMBEDDER_CODES,
            ...STORE_CODES,
          ),
        },
      },
    },
    async (request) =>
      workOf(request).run((options) => runtime.why(request.params.name, request.body, options)),
  );
}
