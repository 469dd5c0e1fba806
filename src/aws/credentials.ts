/** Credentials of a profile or of an assumed role. What AWS STS refuses is told with the setting that named it. */
import type { fromIni as FromIni } from '@aws-sdk/credential-providers';
import { RetrievalError } from '../errors.js';
import type { ErrorCode } from '../errors.js';

/** What a client takes as its credentials. */
export type Provider = ReturnType<typeof FromIni>;

/** Whose credentials; null leaves it to the SDK's own search. */
export interface CredentialSource {
  readonly profile: string | null;
  readonly roleArn: string | null;
}

/** How an error is told where the credentials are used. */
export interface CredentialErrors {
  readonly profileField: string;
  readonly roleField: string;
  readonly denied: ErrorCode;
  readonly unavailable: ErrorCode;
}

/** How the role's sessions are named in the trail of AWS. */
const SESSION = 'plumbline';

/**
 * Undefined where the SDK is to search by itself. A role's credentials are asked for when they are
 * first needed, and again by the SDK before they expire.
 */
export async function awsCredentials(
  { profile, roleArn }: CredentialSource,
  errors: CredentialErrors,
): Promise<Provider | undefined> {
  if (profile === null && roleArn === null) return undefined;
  const { fromIni } = await import('@aws-sdk/credential-providers');
  const own = profile === null ? undefined : told(fromIni({ profile }), errors.profileField, errors);
  return roleArn === null ? own : assumedRole(roleArn, errors, own);
}

/** @param own with which the role is assumed; the SDK's own search where absent */
export async function assumedRole(
  roleArn: string,
  errors: CredentialErrors,
  own?: Provider,
): Promise<Provider> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const assumed = fromTemporaryCredentials({
    params: { RoleArn: roleArn, RoleSessionName: SESSION },
    ...(own === undefined ? {} : { masterCredentials: own }),
  });
  return told(assumed, errors.roleField, errors);
}

/** The same provider, whose failures are errors of the table. */
function told(provider: Provider, field: string, errors: CredentialErrors): Provider {
  return async (properties) => {
    try {
      return await provider(properties);
    } catch (error) {
      throw error instanceof RetrievalError ? error : toError(error, field, errors);
    }
  };
}

const THROTTLES = new Set([
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
]);

function toError(
  error: unknown,
  field: string,
  { roleField, denied, unavailable }: CredentialErrors,
): RetrievalError {
  const { name, status, isLocal } = factsOf(error);
  const options = { field, details: { aws_error: name } };
  if (!isLocal && (status === null || status >= 500 || status === 429 || THROTTLES.has(name))) {
    return new RetrievalError(
      unavailable,
      `AWS STS does not answer for ${field} (${name}). Try again later; if it stays so, check the region and the network, and AWS_ENDPOINT_URL_STS where it is set`,
      options,
    );
  }
  const advice =
    field === roleField
      ? 'Check its ARN; the credentials of this process need sts:AssumeRole, and the trust policy of the role has to name them'
      : 'See that the AWS configuration files have the profile, and that its credentials are valid';
  return new RetrievalError(denied, `AWS gives no credentials for ${field} (${name}). ${advice}`, options);
}

function factsOf(error: unknown): {
  readonly name: string;
  readonly status: number | null;
  readonly isLocal: boolean;
} {
  if (!(error instanceof Error)) return { name: typeof error, status: null, isLocal: false };
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return {
    // A name that AWS chose; its message may quote what was sent.
    name: /^\w{1,80}$/u.test(error.name) ? error.name : 'Error',
    status: $metadata?.httpStatusCode ?? null,
    isLocal: /CredentialsProviderError|TokenProviderError/u.test(error.name),
  };
}
