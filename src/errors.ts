/**
 * Every error a caller can meet, in one table: code → HTTP status, whose fault, retryable.
 *
 * No document text, vector or secret may stand in a message or in `details`.
 */

interface ErrorRow {
  readonly status: number;
  /** Who has to act: the caller, the operator of this service, or a backend behind it. */
  readonly fault: 'caller' | 'operator' | 'backend';
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly title: string;
}

export const ERRORS = {
  invalid_request: row(400, 'caller', false, 'The request is not valid'),
  invalid_filter: row(400, 'caller', false, 'The filter is not valid'),
  unknown_field: row(400, 'caller', false, 'The filter names a field the collection does not have'),
  invalid_metadata: row(400, 'caller', false, "A document's metadata is not valid"),
  field_type_conflict: row(400, 'caller', false, "A metadata value is not of its field's type"),
  invalid_document: row(400, 'caller', false, 'The document is not valid'),
  invalid_vector: row(400, 'caller', false, 'The vector is not valid'),
  invalid_collection_name: row(400, 'caller', false, 'The collection name is not valid'),
  invalid_data_set: row(400, 'caller', false, 'The evaluation data set is not valid'),
  invalid_config: row(500, 'operator', false, 'The configuration is not valid'),
  unauthorized: row(401, 'caller', false, 'A valid API key is needed'),
  not_found: row(404, 'caller', false, 'There is no such resource'),
  collection_not_found: row(404, 'caller', false, 'There is no such collection'),
  document_not_found: row(404, 'caller', false, 'There is no such document'),
  method_not_allowed: row(405, 'caller', false, 'The resource does not allow this method'),
  model_mismatch: row(409, 'caller', false, "The model is not the collection's pinned model"),
  generation_conflict: row(409, 'caller', true, 'The collection has another active generation by now'),
  generation_not_found: row(404, 'caller', false, 'There is no such generation'),
  gate_failed: row(409, 'caller', false, 'The generation has not passed its quality gate'),
  collection_exists: row(409, 'caller', false, 'The collection exists already'),
  prune_refused: row(409, 'caller', false, 'More documents would be removed than may be'),
  payload_too_large: row(413, 'caller', false, 'The request is too large'),
  unsupported_media_type: row(415, 'caller', false, 'The content type is not supported'),
  unsupported_capability: row(422, 'caller', false, 'The backend cannot do this'),
  rate_limited: row(429, 'caller', true, 'Too many requests'),
  cancelled: row(499, 'caller', true, 'The caller cancelled the call'),
  internal: row(500, 'operator', false, 'Something went wrong in Plumbline'),
  model_unavailable: row(500, 'operator', false, "The model's files cannot be had"),
  model_corrupt: row(500, 'operator', false, "A model file's checksum is wrong"),
  schema_too_new: row(500, 'operator', false, 'The database schema is newer than this Plumbline'),
  data_folder_in_use: row(503, 'operator', true, 'Another process uses the data folder'),
  embedder_invalid_response: row(502, 'backend', true, 'The embedder gave an invalid answer'),
  embedder_unavailable: row(503, 'backend', true, 'The embedder cannot be reached'),
  source_denied: row(500, 'operator', false, 'The source may not be read'),
  source_unavailable: row(503, 'backend', true, 'The source cannot be reached'),
  store_invalid_response: row(502, 'backend', true, 'The store gave an invalid answer'),
  store_unavailable: row(503, 'backend', true, 'The store cannot be reached'),
  store_error: row(500, 'backend', false, 'The store refused a statement'),
  provider_access_denied: row(
    500,
    'operator',
    false,
    'The credentials may not use the model or knowledge base',
  ),
  provider_refused: row(400, 'caller', false, 'The provider refused the request'),
  provider_invalid_response: row(502, 'backend', true, 'The provider gave an invalid answer'),
  provider_unavailable: row(503, 'backend', true, 'The provider cannot be reached'),
  overloaded: row(503, 'operator', true, 'The service is at its limit'),
  timeout: row(504, 'backend', true, 'The call took too long'),
} as const satisfies Record<string, ErrorRow>;

function row(status: number, fault: ErrorRow['fault'], retryable: boolean, title: string): ErrorRow {
  return { status, fault, retryable, title };
}

export type ErrorCode = keyof typeof ERRORS;

/** Facts for the caller's program: names, limits, counts, pins. Never content or secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one error class. `message` says what is wrong and what to do; `field` names the part of the
 * request at fault as a path (`filter.dept.$in`).
 */
export class RetrievalError extends Error {
  override readonly name = 'RetrievalError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly field?: string; readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.details = options.details ?? {};
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** Whether `error` is a {@link RetrievalError} of that code. */
export function hasCode(error: unknown, code: ErrorCode): error is RetrievalError {
  return error instanceof RetrievalError && error.code === code;
}

/** The code of an error that the system answered with, as `ENOENT`; undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** @throws RetrievalError `cancelled` when the caller has given up. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal.reason);
}

/** What an aborted call rejects with. */
export function cancelled(cause?: unknown): RetrievalError {
  return new RetrievalError('cancelled', 'The call was cancelled', cause === undefined ? {} : { cause });
}
