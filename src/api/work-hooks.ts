/** Gives every request under /v1 its place in the pool, and takes it back. */
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { RetrievalError, cancelled } from '../errors.js';
import type { Metrics } from './metrics.js';
import type { ZodApp } from './types.js';
import type { RequestWork, WorkPool } from './work.js';

export function admitRequests(
  app: ZodApp,
  parts: { readonly pool: WorkPool; readonly metrics: Metrics; readonly isDraining: () => boolean },
): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (parts.isDraining()) {
      parts.metrics.rejected('draining');
      done(new RetrievalError('overloaded', 'The service is going down; ask another one'));
      return;
    }
    let work: RequestWork;
    try {
      work = parts.pool.open();
    } catch (error) {
      parts.metrics.rejected('overloaded');
      done(error as RetrievalError);
      return;
    }
    request.work = work;
    onceAnswered(reply.raw, (isWhole) => {
      if (!isWhole) work.abort(cancelled());
      work.end();
    });
    done();
  });
}

/** Tells once whether the answer went out whole, or the connection broke before. */
export function onceAnswered(response: ServerResponse, listener: (isWhole: boolean) => void): void {
  let told = false;
  const tell = (isWhole: boolean): void => {
    if (told) return;
    told = true;
    listener(isWhole);
  };
  response.once('finish', () => {
    tell(true);
  });
  response.once('close', () => {
    tell(false);
  });
}

/** The place of a request under /v1. */
export function workOf(request: FastifyRequest): RequestWork {
  if (request.work === null) throw new RetrievalError('internal', 'A route outside /v1 asked for work');
  return request.work;
}
