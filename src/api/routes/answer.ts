import type { FastifyRequest } from 'fastify';
import { collectAnswer } from '../../answer/collect.js';
import type { AnswerEvent } from '../../answer/schema.js';
import { logFault } from '../log.js';
import { toProblem, toRetrievalError } from '../problem.js';
import { answerRequestSchema, answerSchema, eventStreamSchema } from '../schemas/answer.js';
import { collectionParams } from '../schemas/common.js';
import {
  BODY_CODES,
  EMBEDDER_CODES,
  PROVIDER_CODES,
  STORE_CODES,
  problemResponses,
} from '../schemas/problem.js';
import { EVENT_STREAM, eventStream, wantsEvents } from '../sse.js';
import type { ServerEvent } from '../sse.js';
import type { RouteContext, ZodApp } from '../types.js';
import { workOf } from '../work-hooks.js';

export function answerRoutes(app: ZodApp, { runtime, bodyLimitBytes }: RouteContext): void {
  app.post(
    '/collections/:name/answer',
    {
      schema: {
        operationId: 'answer',
        summary: 'Answer a question from a collection, with citations',
        description:
          'Finds passages as a query does, gives them to a model of Amazon Bedrock, and says which words of its answer rest on which passage. When nothing is found the model is not asked.',
        tags: ['query'],
        params: collectionParams,
        body: answerRequestSchema,
        response: {
          200: {
            description: 'The answer, whole or as events',
            content: {
              'application/json': { schema: answerSchema },
              [EVENT_STREAM]: { schema: eventStreamSchema },
            },
          },
          ...problemResponses(
            'invalid_filter',
            'unknown_field',
            'invalid_collection_name',
            'collection_not_found',
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
    async (request, reply) => {
      const { name } = request.params;
      const work = workOf(request);
      if (!request.body.stream && !wantsEvents(request.headers.accept)) {
        const answer = await work.run((options) =>
          collectAnswer(runtime.answer(name, request.body, 'whole', options)),
        );
        return reply.code(200).type('application/json').send(answer);
      }
      const events = await work.run(async (options) => {
        const made = runtime.answer(name, request.body, 'streamed', options);
        // Time is up or the client has gone: whoever makes the events has to be told, read or not.
        options.signal?.addEventListener('abort', () => void made.return?.().catch(() => undefined), {
          once: true,
        });
        return made;
      });
      // Until the first event there can be a status; after it an error is an event.
      const first = await work.run(() => events.next());
      void reply.code(200).type(EVENT_STREAM).header('x-accel-buffering', 'no');
      const body = eventStream(guarded(first, events, request, bodyLimitBytes));
      // A stream is sent as it is; its schema describes what it reads as.
      return reply.send(body as unknown as string);
    },
  );
}

/** The events, each within the request's time; what goes wrong is the last one. */
async function* guarded(
  first: IteratorResult<AnswerEvent>,
  events: AsyncIterableIterator<AnswerEvent>,
  request: FastifyRequest,
  bodyLimitBytes: number,
): AsyncGenerator<ServerEvent> {
  const work = workOf(request);
  try {
    for (let next = first; next.done !== true; next = await work.run(() => events.next())) yield next.value;
  } catch (thrown) {
    const error = toRetrievalError(thrown, { bodyLimitBytes });
    logFault(request.log, error);
    const [path = '/'] = request.url.split('?', 1);
    yield { event: 'error', data: toProblem(error, path, request.id) };
  }
}
