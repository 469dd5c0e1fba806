/** Errors → RFC 9457 problems. Pure: nothing is sent or logged here. */
import { ERRORS, RetrievalError } from '../errors.js';
import type { ErrorDetails } from '../errors.js';
import type { Problem } from './schemas/problem.js';

/** Seconds a caller should wait before trying again. */
const RETRY_AFTER_OVERLOADED = 1;
const RETRY_AFTER_BACKEND = 5;

/** Whatever was thrown, as one of the table's errors. */
export function toRetrievalError(
  error: unknown,
  limits: { readonly bodyLimitBytes: number },
): RetrievalError {
  if (error instanceof RetrievalError) return error;
  const { code, statusCode } = describe(error);
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new RetrievalError(
        'payload_too_large',
        `The body is larger than ${String(limits.bodyLimitBytes)} bytes. Send it in parts, or raise PLUMBLINE_BODY_LIMIT_BYTES`,
        { details: { limit_bytes: limits.bodyLimitBytes } },
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new RetrievalError(
        'unsupported_media_type',
        'Send JSON with the header content-type: application/json',
        {
          field: 'content-type',
        },
      );
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new RetrievalError('invalid_request', 'The body is not as long as its content-length says', {
        field: 'content-length',
      });
    case 'FST_ERR_BAD_URL':
      return new RetrievalError(
        'invalid_request',
        'The path is not valid: a "%" is followed by two hex digits of UTF-8',
      );
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new RetrievalError('invalid_request', 'A part of the path is too long');
    case 'FST_ERR_NOT_FOUND':
      return notFound();
    case 'ECONNRESET':
      return new RetrievalError('cancelled', 'The connection was closed', { cause: error });
    default:
  }
  if (statusCode === 404) return notFound();
  if (statusCode !== null && statusCode >= 400 && statusCode < 500) {
    return new RetrievalError('invalid_request', 'The request is not valid HTTP', { cause: error });
  }
  return new RetrievalError('internal', 'An unexpected error', { cause: error });
}

export function notFound(): RetrievalError {
  return new RetrievalError(
    'not_found',
    'There is nothing at this path; GET /openapi.json lists what there is',
  );
}

/** What a caller is shown. `path` is the request's, without its query. */
export function toProblem(error: RetrievalError, path: string, requestId: string): Problem {
  const { status, title, retryable } = ERRORS[error.code];
  const { errors, ...details } = error.details;
  const isInternal = error.code === 'internal';
  return {
    type: `urn:plumbline:error:${error.code}`,
    title,
    status,
    // What broke inside is for the log; the caller gets the id to ask about it with.
    detail: isInternal
      ? `Something went wrong. The log has more under request id ${requestId}`
      : error.message,
    instance: path,
    code: error.code,
    request_id: requestId,
    retryable,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(isFieldErrors(errors) ? { errors } : {}),
    ...(isInternal || Object.keys(details).length === 0 ? {} : { details: wireDetails(error, details) }),
  };
}

/** Seconds for the header Retry-After; null where waiting does not help. */
export function retryAfterSeconds(error: RetrievalError): number | null {
  const { status } = ERRORS[error.code];
  if (status !== 503 && status !== 429) return null;
  return error.code === 'overloaded' ? RETRY_AFTER_OVERLOADED : RETRY_AFTER_BACKEND;
}

interface FieldError {
  readonly field: string;
  readonly message: string;
}

function isFieldErrors(value: unknown): value is FieldError[] {
  return Array.isArray(value) && value.length > 0;
}

/** Pins stand in details as the domain has them; the wire's names are snake_case. */
function wireDetails(error: RetrievalError, details: ErrorDetails): Record<string, unknown> {
  if (error.code !== 'model_mismatch') return { ...details };
  const { differing } = details;
  return {
    ...(snakeKeys(details) as Record<string, unknown>),
    ...(Array.isArray(differing) ? { differing: differing.map((name) => snake(String(name))) } : {}),
  };
}

function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [snake(key), snakeKeys(item)]));
}

function snake(name: string): string {
  return name
    .replaceAll(/Sha256$/gu, '_sha256')
    .replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

function describe(error: unknown): { readonly code: string | null; readonly statusCode: number | null } {
  if (typeof error !== 'object' || error === null) return { code: null, statusCode: null };
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  return {
    code: typeof code === 'string' ? code : null,
    statusCode: typeof statusCode === 'number' ? statusCode : null,
  };
}
