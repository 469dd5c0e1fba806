/** What the SDK throws → the one table. No message of the service is repeated: it may quote keys of access. */
import { RetrievalError, cancelled } from '../../../errors.js';
import { objectUrl, type S3ObjectRef } from './location.js';

/** The HTTP status of an SDK error; null where there was no answer. */
export function statusOf(error: unknown): number | null {
  const metadata = member(error, '$metadata');
  const status = member(metadata, 'httpStatusCode');
  return typeof status === 'number' ? status : null;
}

/** The service's name of an error, such as `NoSuchBucket`. */
export function nameOf(error: unknown): string {
  const name = member(error, 'name');
  return typeof name === 'string' ? name : typeof error;
}

/** Connection errors; where one comes after the answer began, the SDK's retries do not reach it. */
const CONNECTION = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);
const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
]);
const THROTTLES = new Set(['SlowDown', 'ThrottlingException', 'RequestThrottled', 'RequestLimitExceeded']);

/** Whether a body ended before its end. */
export function isCut(error: unknown): boolean {
  const code = member(error, 'code');
  const isBroken = code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET';
  // The checksum of a body that lost its end does not fit either.
  const message = member(error, 'message');
  const isUnsound = typeof message === 'string' && message.startsWith('Checksum mismatch');
  return statusOf(error) === null && (isBroken || isUnsound);
}

/** An error of S3, for a call that needs the permission. */
export function s3Error(
  error: unknown,
  ref: S3ObjectRef,
  permission: string,
  signal: AbortSignal | undefined,
): RetrievalError {
  if (signal?.aborted === true) return cancelled(signal.reason);
  const name = nameOf(error);
  switch (name) {
    case 'NoSuchBucket':
      return new RetrievalError('invalid_request', `There is no bucket "${ref.bucket}"`, { field: 'path' });
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
      return new RetrievalError(
        'invalid_config',
        `Bucket "${ref.bucket}" is in another region; set PLUMBLINE_AWS_REGION to it`,
        { field: 'PLUMBLINE_AWS_REGION', cause: error },
      );
    case 'InvalidObjectState':
      return new RetrievalError(
        'invalid_document',
        'is archived; restore it to a storage class that can be read at once',
      );
    default:
      return awsError(error, `${objectUrl(ref)} (${permission})`);
  }
}

/** What can go wrong at every service of AWS; `what` names the resource and the permission. */
export function awsError(error: unknown, what: string): RetrievalError {
  // Of a role's credentials, which have been told of already.
  if (error instanceof RetrievalError) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  if (isRegionMissing(error)) {
    return new RetrievalError(
      'invalid_config',
      'No AWS region is set; set PLUMBLINE_AWS_REGION, AWS_REGION, or a region in the AWS profile',
      { field: 'PLUMBLINE_AWS_REGION' },
    );
  }
  if (CREDENTIALS.has(name)) {
    return new RetrievalError(
      'source_denied',
      `AWS takes no credentials of this process for ${what} (${name}); set AWS_PROFILE, AWS_ACCESS_KEY_ID with its secret, or give the machine a role`,
      { cause: error },
    );
  }
  if (status === 403 || name === 'AccessDenied' || name === 'AccessDeniedException') {
    return new RetrievalError(
      'source_denied',
      `Access is denied to ${what}; give the role that permission, s3:ListBucket, and kms:Decrypt where a key of KMS is used`,
      { cause: error },
    );
  }
  const code = member(error, 'code');
  const isConnection = name === 'TimeoutError' || (typeof code === 'string' && CONNECTION.has(code));
  if (isConnection || THROTTLES.has(name) || status === 429 || (status !== null && status >= 500)) {
    return new RetrievalError('source_unavailable', `No answer from ${what} (${name})`, { cause: error });
  }
  return new RetrievalError('source_unavailable', `An unforeseen answer from ${what} (${name})`, {
    cause: error,
  });
}

export function invalidAnswer(ref: S3ObjectRef, cause?: unknown): RetrievalError {
  return new RetrievalError(
    'source_unavailable',
    `The answer for ${objectUrl(ref)} is not what S3 documents; check PLUMBLINE_S3_ENDPOINT`,
    cause === undefined ? {} : { cause },
  );
}

function isRegionMissing(error: unknown): boolean {
  return error instanceof Error && error.message === 'Region is missing';
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
