/**
 * What an AWS call failed of. AWS' own words never leave this file: a validation message may
 * repeat the text that it is about.
 */
import { z } from 'zod';
import { RetrievalError, cancelled } from '../../errors.js';

export type Failure =
  /** Too many requests; the same one may be sent again, after `retryAfterMs` if that is given. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | null; readonly facts: AwsFacts }
  /** The service or the way to it; may be sent again. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number | null; readonly facts: AwsFacts }
  | { readonly kind: 'silent'; readonly timeoutMs: number }
  | { readonly kind: 'cancelled'; readonly reason: unknown }
  /** This text is too long or empty by the model's own measure. */
  | { readonly kind: 'text'; readonly facts: AwsFacts }
  | { readonly kind: 'model_access'; readonly facts: AwsFacts }
  | { readonly kind: 'permission'; readonly facts: AwsFacts }
  | { readonly kind: 'credentials'; readonly facts: AwsFacts }
  | { readonly kind: 'region'; readonly facts: AwsFacts }
  | { readonly kind: 'model_id'; readonly facts: AwsFacts }
  | { readonly kind: 'refused'; readonly facts: AwsFacts };

/** What may be shown of an AWS error. */
export interface AwsFacts {
  /** `ThrottlingException`; for a broken connection, the system's code. */
  readonly name: string;
  readonly status: number | null;
  readonly requestId: string | null;
}

/** Thrown by the client; `failure` says the rest. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.kind);
    this.failure = failure;
  }
}

const errorSchema = z.object({
  name: z.string().catch('Error'),
  message: z.string().catch(''),
  code: z.string().optional().catch(undefined),
  $metadata: z
    .object({ httpStatusCode: z.number().optional(), requestId: z.string().optional() })
    .catch({})
    .default({}),
  $response: z
    .object({ headers: z.record(z.string(), z.string()) })
    .optional()
    .catch(undefined),
});

const THROTTLES = ['ThrottlingException', 'ServiceQuotaExceededException', 'TooManyRequestsException'];
const BAD_CREDENTIALS = [
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'ExpiredTokenException',
  'ExpiredToken',
  'InvalidClientTokenId',
];

/** @param error what the SDK threw, of a call that was neither aborted nor timed out */
export function toFailure(error: unknown): Failure {
  const parsed = errorSchema.safeParse(error);
  if (!parsed.success) {
    return {
      kind: 'unavailable',
      retryAfterMs: null,
      facts: { name: 'unknown', status: null, requestId: null },
    };
  }
  const { name, message, code, $metadata, $response } = parsed.data;
  const status = $metadata.httpStatusCode ?? null;
  const facts = { name: code ?? name, status, requestId: $metadata.requestId ?? null };
  const retryAfterMs = readRetryAfter($response?.headers['retry-after']);
  if (THROTTLES.includes(name)) return { kind: 'throttled', retryAfterMs, facts };
  if (/CredentialsProviderError|TokenProviderError/u.test(name) || BAD_CREDENTIALS.includes(name)) {
    return { kind: 'credentials', facts };
  }
  if (/region is missing/iu.test(message)) return { kind: 'region', facts };
  if (name === 'AccessDeniedException' || name === 'AccessDenied') {
    const isModel = /access to the model|model access/iu.test(message);
    return { kind: isModel ? 'model_access' : 'permission', facts };
  }
  if (name === 'ResourceNotFoundException') return { kind: 'model_id', facts };
  if (name === 'ValidationException') {
    if (/model identifier|inference profile|on-demand throughput/iu.test(message)) {
      return { kind: 'model_id', facts };
    }
    const isText = /too many input tokens|max(?:imum)? ?(?:input )?(?:length|tokens)|minLength|too long/iu;
    return { kind: isText.test(message) ? 'text' : 'refused', facts };
  }
  // ModelNotReady comes as 429 and ModelTimeout as 408: a while later they are gone.
  const isPassing = status === null || status >= 500 || [408, 424, 429].includes(status);
  if (isPassing || status < 400) return { kind: 'unavailable', retryAfterMs, facts };
  return { kind: status === 401 || status === 403 ? 'permission' : 'refused', facts };
}

/** Seconds or a date. */
function readRetryAfter(header: string | undefined): number | null {
  if (header === undefined) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

export function isRetryable(failure: Failure): boolean {
  return failure.kind === 'throttled' || failure.kind === 'unavailable' || failure.kind === 'silent';
}

/** The failure in the caller's words, with what to do. */
export function toError(
  failure: Failure,
  model: { readonly name: string; readonly modelId: string; readonly attempts: number },
): RetrievalError {
  const { name, modelId, attempts } = model;
  const tried = `after ${String(attempts)} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const details = { embedder: name, model: modelId, ...('facts' in failure ? { aws: failure.facts } : {}) };
  const denied = (message: string): RetrievalError =>
    new RetrievalError('provider_access_denied', message, { details });
  const refused = (message: string): RetrievalError =>
    new RetrievalError('provider_refused', message, { field: 'PLUMBLINE_BEDROCK_MODEL_IDS', details });
  switch (failure.kind) {
    case 'throttled':
      return new RetrievalError(
        'embedder_unavailable',
        `Bedrock throttles ${name} (${failure.facts.name}) ${tried}. Lower PLUMBLINE_BEDROCK_REQUESTS_PER_MINUTE and PLUMBLINE_BEDROCK_TOKENS_PER_MINUTE to the account's quotas, or ask AWS for more.`,
        { details },
      );
    case 'unavailable':
      return new RetrievalError(
        'embedder_unavailable',
        `Bedrock did not answer ${name} (${failure.facts.name}) ${tried}. Try again later; if it stays so, check PLUMBLINE_BEDROCK_REGION, PLUMBLINE_BEDROCK_ENDPOINT and the network.`,
        { details },
      );
    case 'silent':
      return new RetrievalError(
        'timeout',
        `Bedrock was silent for ${String(failure.timeoutMs)} ms on ${name} ${tried}. Try again later, or raise PLUMBLINE_BEDROCK_TIMEOUT_MS.`,
        { details },
      );
    case 'cancelled':
      return cancelled(failure.reason);
    case 'text':
      return new RetrievalError(
        'invalid_request',
        `${name} does not take this text: it is too long or empty by the model's own count. Split it: nothing is cut off.`,
        { field: 'texts', details },
      );
    case 'model_access':
      return denied(
        `The AWS account has no access to the model ${modelId}. Request it on the Bedrock console's page "Model access", in the same region.`,
      );
    case 'permission':
      return denied(
        `The AWS credentials lack the permission bedrock:InvokeModel for ${modelId}. Allow it in the policy of the user or role.`,
      );
    case 'credentials':
      return denied(
        `AWS does not accept the credentials for ${name}, or there are none (${failure.facts.name}). Set PLUMBLINE_BEDROCK_PROFILE or PLUMBLINE_BEDROCK_ROLE_ARN, or what the AWS SDK reads by itself.`,
      );
    case 'region':
      return new RetrievalError(
        'invalid_config',
        `${name} needs an AWS region: set PLUMBLINE_BEDROCK_REGION, or AWS_REGION.`,
        { field: 'PLUMBLINE_BEDROCK_REGION', details },
      );
    case 'model_id':
      return refused(
        `Bedrock has no model ${modelId} in this region, or only by an inference profile. Set ${name}=ID_OR_ARN in PLUMBLINE_BEDROCK_MODEL_IDS.`,
      );
    case 'refused':
      return refused(
        `Bedrock refused a request for ${name} (${failure.facts.name}). Check that PLUMBLINE_BEDROCK_MODEL_IDS names this very model.`,
      );
    default:
      return failure satisfies never;
  }
}
