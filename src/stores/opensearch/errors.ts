/** From what OpenSearch and its client say to Plumbline's errors. */
import { z } from 'zod';
import { RetrievalError, cancelled } from '../../errors.js';

/** What went wrong, without anything that was stored: a server's `reason` may quote documents. */
export interface Fault {
  /** HTTP status, of the answer or of one item in it; null when there was no answer. */
  readonly status: number | null;
  /** OpenSearch's name for it, or the client's. */
  readonly type: string;
}

/** A fault on its way to {@link translate}; never leaves the adapter. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(`${fault.type} (${String(fault.status)})`);
    this.fault = fault;
  }
}

const NO_ANSWER = new Set(['ConnectionError', 'NoLivingConnectionsError']);
/** The node is at its limit, or something before it is: the same call may succeed in a moment. */
const TRANSIENT_STATUSES = new Set([429, 502, 503, 504]);

const bodySchema = z.object({ error: z.union([z.string(), z.object({ type: z.string() })]) });
const clientErrorSchema = z.object({
  name: z.string(),
  meta: z.object({ statusCode: z.number().nullish(), body: z.unknown().optional() }).nullish(),
});

/** The fault in an answer, or in one item of it: `{ "error": { "type": …, "reason": … } }`. */
export function faultOf(status: number | null, answer: unknown): Fault {
  const parsed = bodySchema.safeParse(answer);
  return { status, type: parsed.success ? nameOf(parsed.data.error) : 'unknown' };
}

/** The fault in what the client threw. */
export function readFault(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  const parsed = clientErrorSchema.safeParse(error);
  if (!parsed.success) return { status: null, type: 'unknown' };
  const { name, meta } = parsed.data;
  if (name !== 'ResponseError') return { status: null, type: name };
  return faultOf(meta?.statusCode ?? null, meta?.body);
}

export function isTransient({ status, type }: Fault): boolean {
  return status === null ? NO_ANSWER.has(type) : TRANSIENT_STATUSES.has(status);
}

/** A typed error in place of the client's. The cause keeps type and status, and nothing that was stored. */
export function translate(error: unknown, signal?: AbortSignal): RetrievalError {
  if (error instanceof RetrievalError) return error;
  if (signal?.aborted === true) return cancelled(signal.reason);
  const fault = readFault(error);
  const cause = new Error(`${fault.type} (status ${String(fault.status)})`);
  const details = { type: fault.type, status: fault.status };
  if (fault.type === 'index_not_found_exception') {
    return new RetrievalError('collection_not_found', 'The collection, or this generation of it, is gone', {
      cause,
    });
  }
  if (fault.type === 'TimeoutError') {
    return new RetrievalError('timeout', 'OpenSearch did not answer in time', { cause, details });
  }
  if (isTransient(fault)) {
    return new RetrievalError('store_unavailable', 'OpenSearch cannot be reached, or is at its limit', {
      cause,
      details,
    });
  }
  if (fault.status === 401 || fault.status === 403) {
    return new RetrievalError('store_error', "OpenSearch refused the store URL's user or password", {
      cause,
      details,
    });
  }
  return new RetrievalError('store_error', `OpenSearch refused a request (${fault.type})`, {
    cause,
    details,
  });
}

function nameOf(error: string | { readonly type: string }): string {
  return typeof error === 'string' ? 'unknown' : error.type;
}
