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
  message: z.string().optional(),
  meta: z.object({ statusCode: z.number().nullish(), body: z.unknown().optional() }).nullish(),
});
/** The client keeps no more of such a failure than Node's words for it, all of which have one of these. */
const NOT_TRUSTED = /certificate|SSL routines/iu;

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
  const { name, meta, message = '' } = parsed.data;
  if (name === 'ConnectionError' && NOT_TRUSTED.test(message)) return { status: null, type: 'TlsError' };
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
  const refusal = REFUSALS[fault.type] ?? REFUSALS[String(fault.status)];
  if (refusal !== undefined) {
    const { message, field } = refusal;
    return new RetrievalError('store_error', message, { cause, details, field });
  }
  return new RetrievalError('store_error', `OpenSearch refused a request (${fault.type})`, {
    cause,
    details,
  });
}

/** What an operator can do about it, by the fault's type or status. */
const REFUSALS: Readonly<Record<string, { readonly message: string; readonly field: string }>> = {
  '401': {
    message: "OpenSearch refused the store URL's user or password",
    field: 'PLUMBLINE_STORE_URL',
  },
  '403': {
    message:
      "OpenSearch refused the store URL's user, or does not let it do this; with auth=sigv4 look at the AWS credentials, the region, the service and what the policies allow",
    field: 'PLUMBLINE_STORE_URL',
  },
  TlsError: {
    message:
      "The server's certificate is not trusted, is for another host, or there is no TLS; name its authority's certificate in PLUMBLINE_OPENSEARCH_CA_FILE",
    field: 'PLUMBLINE_OPENSEARCH_CA_FILE',
  },
  CredentialsError: {
    message:
      'The AWS SDK found no credentials to sign with; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role',
    field: 'PLUMBLINE_STORE_URL',
  },
};

function nameOf(error: string | { readonly type: string }): string {
  return typeof error === 'string' ? 'unknown' : error.type;
}
