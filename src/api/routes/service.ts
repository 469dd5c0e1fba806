import { z } from 'zod';
import { RetrievalError, hasCode } from '../../errors.js';
import { answer } from '../schemas/common.js';
import { problemResponses } from '../schemas/problem.js';
import { healthSchema, readySchema } from '../schemas/service.js';
import type { RouteContext, ZodApp } from '../types.js';

/** Longest the readiness probe waits for the store; probes give up themselves soon after. */
const PING_TIMEOUT_MS = 3000;

/** Probes, metrics and the reference; none of them takes a place among the requests in work. */
export function serviceRoutes(app: ZodApp, { runtime, metrics, version, isDraining }: RouteContext): void {
  app.get(
    '/healthz',
    {
      config: { open: true },
      schema: {
        operationId: 'health',
        summary: 'Whether the process answers',
        tags: ['service'],
        security: [],
        response: { 200: answer('It does', healthSchema) },
      },
    },
    () => ({ status: 'ok' as const, version }),
  );

  app.get(
    '/readyz',
    {
      config: { open: true },
      schema: {
        operationId: 'ready',
        summary: 'Whether to send requests here: the store answers, and the service is not going down',
        tags: ['service'],
        security: [],
        response: { 200: answer('Ready', readySchema), ...problemResponses('store_unavailable') },
      },
    },
    async () => {
      if (isDraining()) throw new RetrievalError('overloaded', 'The service is going down');
      await pingStore(runtime);
      return { status: 'ready' as const, store: runtime.store.kind };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'metrics',
        summary: 'Metrics for Prometheus',
        tags: ['service'],
        response: {
          200: {
            description: 'Prometheus text format',
            content: { 'text/plain': { schema: z.string() } },
          },
        },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );

  let document: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json').send(document);
  });

  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'));
}

/** @throws RetrievalError what the store says of itself, else `store_unavailable`. */
async function pingStore({ store }: RouteContext['runtime']): Promise<void> {
  const signal = AbortSignal.timeout(PING_TIMEOUT_MS);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        reject(
          new RetrievalError(
            'store_unavailable',
            `The store did not answer within ${String(PING_TIMEOUT_MS)} ms`,
          ),
        );
      },
      { once: true },
    );
  });
  try {
    await Promise.race([store.ping({ signal }), late]);
  } catch (error) {
    if (error instanceof RetrievalError && !hasCode(error, 'cancelled')) throw error;
    throw new RetrievalError('store_unavailable', 'The store does not answer', { cause: error });
  }
}
