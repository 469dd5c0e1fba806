/** Clients as the configuration has them; keys of access are found by the SDK's own chain. */
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';

export interface S3Settings {
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
export function createS3Client({ region, endpoint }: S3Settings): S3Client {
  return new S3Client({
    ...shared(region),
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
  });
}

/** A client for a queue, whose URL says where it is. */
export function createSqsClient({ region }: S3Settings): SQSClient {
  return new SQSClient(shared(region));
}

function shared(region: string | null): {
  readonly region?: string;
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
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
}
