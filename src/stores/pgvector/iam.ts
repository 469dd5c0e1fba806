/** Logging in by AWS IAM: a token in place of a password, good for new connections for a quarter of an hour. */
import { RetrievalError } from '../../errors.js';
import type { ServerPlace } from './server-url.js';

/** Makes tokens; `Signer` of @aws-sdk/rds-signer is one. */
export interface TokenSigner {
  getAuthToken(): Promise<string>;
}

export interface SignerPlace {
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly region: string;
}

/** How a role proves itself. */
export type Authentication =
  /** By the URL's password. */
  | { readonly kind: 'password' }
  | {
      readonly kind: 'iam';
      /** AWS region of the database. */
      readonly region: string;
      /** Instead of the SDK's own, which signs with the default chain of credentials. */
      readonly createSigner?: (place: SignerPlace) => TokenSigner;
    };

const DEFAULT_PORT = 5432;

/**
 * The driver's `password`: it is called for every new connection, for a token outlives no pool.
 * @throws RetrievalError `invalid_config` when host or user are missing, which a token is bound to
 */
export async function iamPassword(
  place: ServerPlace['client'],
  authentication: Extract<Authentication, { readonly kind: 'iam' }>,
  setting: string,
): Promise<() => Promise<string>> {
  const { host, user } = place;
  if (host === undefined || user === undefined || place.password !== undefined) {
    throw new RetrievalError(
      'invalid_config',
      `${setting} has to name the host and the user, and no password, with PLUMBLINE_POSTGRES_AUTH=iam`,
      { field: setting },
    );
  }
  const create = authentication.createSigner ?? (await sdkSigner());
  const signer = create({
    hostname: host,
    port: place.port ?? DEFAULT_PORT,
    username: user,
    region: authentication.region,
  });
  return async () => {
    try {
      return await signer.getAuthToken();
    } catch (error) {
      // Its message may hold parts of credentials or of a profile; the name tells enough.
      const name = error instanceof Error ? error.name : 'unknown';
      throw new RetrievalError(
        'store_unavailable',
        `No IAM token could be made for PostgreSQL (${name}): check this process's AWS credentials`,
        { details: { name } },
      );
    }
  };
}

async function sdkSigner(): Promise<(place: SignerPlace) => TokenSigner> {
  const { Signer } = await import('@aws-sdk/rds-signer');
  return (place) => new Signer(place);
}
