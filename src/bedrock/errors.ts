/** What Bedrock's clients throw → the one error table. AWS's own words may quote the text that was sent, so they are never passed on. */
import { RetrievalError, cancelled } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { isAborted } from './deadline.js';
import type { Deadline } from './deadline.js';

/** What was asked, so that an error can say what to change. */
export interface Asked {
  /** For people: `the answer model "amazon.nova-lite-v1:0"`. */
  readonly what: string;
  /** The IAM permission that the call takes. */
  readonly permission: string;
  /** The part of the request or the setting that named it. */
  readonly field: string;
  /** What a refusal's words stand for; the first that fits is told. */
  readonly refusals?: readonly Refusal[];
}

export interface Refusal {
  readonly pattern: RegExp;
  readonly advice: string;
  readonly code?: ErrorCode;
  readonly field?: string;
}

const COMMON_REFUSALS: readonly Refusal[] = [
  {
    pattern: /on-demand throughput/iu,
    advice: 'This model is called by an inference profile: name it as us.MODEL, eu.MODEL or by its ARN',
  },
  {
    pattern: /model identifier is invalid|model.*(?:not found|not exist|end of its life)/iu,
    advice: 'There is no such model; look its id up in the Bedrock console of this region',
  },
];

const THROTTLES = new Set([
  'ThrottlingException',
  'TooManyRequestsException',
  'ServiceQuotaExceededException',
]);
const CREDENTIAL_FAULTS = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'ExpiredToken',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'CredentialsProviderError',
  'TokenProviderError',
]);
const REFUSALS = new Set(['ValidationException', 'ConflictException', 'ModelErrorException']);
const OUTAGES = new Set([
  'InternalServerException',
  'ServiceUnavailableException',
  'ModelNotReadyException',
  'ModelTimeoutException',
  'ModelStreamErrorException',
  'BadGatewayException',
  'DependencyFailedException',
  'TimeoutError',
]);

/** Turns whatever a call threw into an error of the table. */
export function fromAws(error: unknown, asked: Asked, deadline: Deadline): RetrievalError {
  if (error instanceof RetrievalError) return error;
  if (isAborted(deadline.caller)) return cancelled(deadline.caller?.reason);
  if (deadline.isOver()) {
    return new RetrievalError(
      'timeout',
      `Bedrock did not answer for ${asked.what} within ${String(deadline.ms)} ms`,
      { details: { timeout_ms: deadline.ms } },
    );
  }
  const { name, status, requestId, message, networkCode } = factsOf(error);
  const details = {
    aws_error: name,
    ...(requestId === null ? {} : { aws_request_id: requestId }),
  };
  const make = (code: ErrorCode, text: string, field?: string): RetrievalError =>
    new RetrievalError(code, text, { details, ...(field === undefined ? {} : { field }) });

  if (/region is missing/iu.test(message)) {
    return make(
      'invalid_config',
      'No AWS region is known; set PLUMBLINE_BEDROCK_REGION',
      'PLUMBLINE_BEDROCK_REGION',
    );
  }
  if (THROTTLES.has(name) || status === 429) {
    return make('rate_limited', `Bedrock limits the rate of calls to ${asked.what}; try again later`);
  }
  if (CREDENTIAL_FAULTS.has(name) || status === 401 || status === 403) {
    return make(
      'provider_access_denied',
      `Bedrock denies ${asked.what} (${name}). The credentials need ${asked.permission}, and a model has to be enabled for the account under "Model access" in the Bedrock console of the region`,
      asked.field,
    );
  }
  if (name === 'ResourceNotFoundException' || status === 404) {
    return make(
      'provider_refused',
      `Bedrock has no ${asked.what.replace(/^the /u, '')} in this region and account; check ${asked.field} and the region`,
      asked.field,
    );
  }
  if (REFUSALS.has(name) || status === 400 || status === 409) {
    const refusal = [...(asked.refusals ?? []), ...COMMON_REFUSALS].find(({ pattern }) =>
      pattern.test(message),
    );
    return make(
      refusal?.code ?? 'provider_refused',
      `Bedrock refuses the request to ${asked.what} (${name}). ${refusal?.advice ?? `Check ${asked.field} and what was asked of it; its own words are in the trail of the AWS request id`}`,
      refusal?.field ?? asked.field,
    );
  }
  if (OUTAGES.has(name) || networkCode || (status !== null && status >= 500)) {
    return make('provider_unavailable', `Bedrock cannot be reached for ${asked.what} now (${name})`);
  }
  return invalidAnswer(asked, name);
}

/** Bedrock answered something that its own description does not allow. */
export function invalidAnswer(asked: Pick<Asked, 'what'>, reason: string): RetrievalError {
  return new RetrievalError(
    'provider_invalid_response',
    `Bedrock's answer for ${asked.what} is not valid (${reason})`,
  );
}

interface Facts {
  readonly name: string;
  readonly status: number | null;
  readonly requestId: string | null;
  /** Looked at, never shown. */
  readonly message: string;
  /** Whether it is an error of sockets and names. */
  readonly networkCode: boolean;
}

function factsOf(error: unknown): Facts {
  if (!(error instanceof Error)) {
    return { name: typeof error, status: null, requestId: null, message: '', networkCode: false };
  }
  const { $metadata, code } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
    readonly code?: unknown;
  };
  return {
    // A name that AWS chose; ours are all that a log may show.
    name: /^\w{1,80}$/u.test(error.name) ? error.name : 'Error',
    status: $metadata?.httpStatusCode ?? null,
    requestId: $metadata?.requestId ?? null,
    message: error.message,
    networkCode: typeof code === 'string' && /^E[A-Z]+$/u.test(code),
  };
}
