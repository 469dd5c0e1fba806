/**
 * What may stand in the log: method, route template, status, time, request id, and errors without
 * the words of foreign ones. Never a path, a query string, a body, a filter or a header.
 */
import type { FastifyBaseLogger, FastifyServerOptions } from 'fastify';
import { ERRORS, RetrievalError } from '../errors.js';

export interface LogSink {
  /** One JSON line. */
  write(line: string): void;
}

/** Deepest chain of causes logged. */
const MAX_CAUSES = 5;

/** Errors of the language and the system: their messages tell of code and sockets, not of content. */
const PLAIN_ERRORS = new Set(['TypeError', 'RangeError', 'ReferenceError']);

interface LoggedError {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  readonly at?: readonly string[];
  readonly cause?: LoggedError;
}

/** An error for the log. A foreign error's message may quote a document, so only its place is kept. */
function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  const isSafe =
    error instanceof RetrievalError || PLAIN_ERRORS.has(error.name) || typeof syscall === 'string';
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(isSafe ? { message: error.message } : {}),
    ...(!(error instanceof RetrievalError) || error.code === 'internal' ? { at: frames(error) } : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: loggedError(error.cause, depth + 1) }),
  };
}

function frames(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, 12);
}

/** Fastify's logger settings. Its own lines about requests, which hold URLs, are off. */
export function loggerSettings(level: string, sink?: LogSink): NonNullable<FastifyServerOptions['logger']> {
  return {
    level,
    serializers: {
      err: (error: unknown) => ({ type: 'Error', message: '', stack: '', ...loggedError(error) }),
      req: (request: { readonly method: string }) => ({ method: request.method }),
      res: (reply: { readonly statusCode: number }) => ({ statusCode: reply.statusCode }),
    },
    ...(sink === undefined ? {} : { stream: sink }),
  };
}

/** Logs an error that somebody has to act on: as an error when it is this service's, else as a warning. */
export function logFault(log: FastifyBaseLogger, error: RetrievalError): void {
  const { fault, retryable } = ERRORS[error.code];
  if (fault === 'caller' || error.code === 'overloaded') return;
  const line = { error: loggedError(error) };
  if (retryable) log.warn(line, 'request failed');
  else log.error(line, 'request failed');
}
