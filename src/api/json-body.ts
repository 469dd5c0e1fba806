/** Reads JSON bodies; hostile ones are refused before anything walks them. */
import type { FastifyInstance } from 'fastify';
import { RetrievalError } from '../errors.js';

/** Deepest nesting of objects and lists. Validation and serialisation recurse; the stack is finite. */
const MAX_DEPTH = 100;

/**
 * Makes JSON the only body there is. An empty one is `undefined`, so that validation says what is
 * missing; `__proto__` and `constructor.prototype` keys are refused.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') {
      done(null, undefined);
      return;
    }
    void parse(request, body as string, (error, value: unknown) => {
      // The parser's own message quotes the text.
      if (error !== null) done(invalidJson());
      else if (isDeeperThan(value, MAX_DEPTH)) done(tooDeep());
      else done(null, value);
    });
  });
}

/** Without recursion: `value` may be nested a million deep. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      for (const child of Object.values(item)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}

function invalidJson(): RetrievalError {
  return new RetrievalError('invalid_request', 'The body is not valid JSON', { field: 'body' });
}

function tooDeep(): RetrievalError {
  return new RetrievalError('invalid_request', `The body is nested deeper than ${String(MAX_DEPTH)} levels`, {
    field: 'body',
  });
}
