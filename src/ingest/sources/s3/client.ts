/** Clients as the configuration has them; keys of access are a role's, or found by the SDK's own chain. */
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { assumedRole } from '../../../aws/credentials.js';
import type { CredentialErrors, Provider } from '../../../aws/credentials.js';

export interface S3Settings {
  /** A role to assume; null for the credentials that the SDK finds. */
  readonly roleArn: string | null;
  /** Null where AWS's own variables and profile say it. */
  readonly region: string | null;
  /** Of a server that is not AWS's own; addressed with the bucket in the path. */
  readonly endpoint: string | null;
}

/** The one layer of retries: the SDK's. */
const MAX_ATTEMPTS = 5;
const CONNECTION_TIMEOUT_MS = 5_000;
/** Without a byte; longer than a queue's long poll. */
const SOCKET_TIMEOUT_MS = 60_000;
const MAX_SOCKETS = 64;

/** A client for the source of objects. */
export function createS3Client(settings: S3Settings): S3Client {
  const { endpoint } = settings;
  return new S3Client({
    ...shared(settings),
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
  });
}

/** A client for a queue, whose URL says where it is. */
export function createSqsClient(settings: S3Settings): SQSClient {
  return new SQSClient(shared(settings));
}

function shared({ region, roleArn }: S3Settings): {
  readonly region?: string;
  readonly credentials?: Provider;
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly socketTimeout: number;
    readonly httpAgent: { readonly keepAlive: boolean; readonly maxSockets: number };
    readonly httpsAgent: { readonly keepAlive: boolean; readonly maxSockets: number };
  };
} {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return {
    ...(region === null ? {} : { region }),
    ...(roleArn === null ? {} : { credentials: assumed(roleArn) }),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
}

const CREDENTIALS: CredentialErrors = {
  profileField: 'AWS_PROFILE',
  roleField: 'PLUMBLINE_AWS_ROLE_ARN',
  denied: 'source_denied',
  unavailable: 'source_unavailable',
};

/** The providers are loaded when the first call is signed. */
function assumed(roleArn: string): Provider {
  let opening: Promise<Provider> | null = null;
  return async (properties) => {
    const provider = await (opening ??= assumedRole(roleArn, CREDENTIALS));
    return provider(properties);
  };
}
