/** Requests signed for Amazon OpenSearch Service (`es`) and Serverless (`aoss`). */
import type { ClientOptions } from '@opensearch-project/opensearch';
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws';
import { FaultError } from './errors.js';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** From a minute before it on, new ones are asked for. */
  readonly expiration?: Date;
}

export interface AwsSigning {
  readonly service: 'es' | 'aoss';
  readonly region: string;
  /** The AWS SDK's own chain where absent: environment, profile, web identity, container, instance. */
  readonly credentials?: () => Promise<AwsCredentials>;
}

/** What makes a client sign. The signer asks for credentials when it has none, and before they expire. */
export function signer({
  service,
  region,
  credentials = createChain(),
}: AwsSigning): Pick<ClientOptions, 'Connection' | 'Transport'> {
  const { Connection, Transport } = AwsSigv4Signer({
    service,
    region,
    async getCredentials() {
      try {
        return { ...(await credentials()) };
      } catch {
        // Its message may quote a profile, or what a helper program printed.
        throw new FaultError({ status: null, type: 'CredentialsError' });
      }
    },
  });
  return { Connection, Transport };
}

/** Made at the first request: the chain is not loaded by those who do not sign. */
function createChain(): () => Promise<AwsCredentials> {
  let chain: Promise<() => Promise<AwsCredentials>> | undefined;
  return async () => {
    chain ??= import('@aws-sdk/credential-providers').then(({ fromNodeProviderChain }) =>
      fromNodeProviderChain(),
    );
    return (await chain)();
  };
}
