/** What every client of Amazon Bedrock is made with, whichever of its services it asks. */
import type { BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { awsCredentials } from '../aws/credentials.js';
import type { CredentialErrors } from '../aws/credentials.js';

/** Where Bedrock is and who asks; null leaves it to the SDK's own search (environment, files, instance). */
export interface BedrockSettings {
  readonly region: string | null;
  /** A profile of the shared configuration files. */
  readonly profile: string | null;
  /** A role to assume. */
  readonly roleArn: string | null;
  /** In place of the region's own address. */
  readonly endpoint: string | null;
  /** Calls a request may take, the first included; the SDK's own retries are the only ones. */
  readonly maxAttempts?: number;
}

const MAX_ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 5000;

type ClientConfig = Pick<
  BedrockRuntimeClientConfig,
  'region' | 'endpoint' | 'credentials' | 'retryMode' | 'maxAttempts' | 'requestHandler'
>;

/**
 * The configuration of a client.
 * @param region of what is asked, where it is not that of the settings
 */
export async function clientConfig(
  settings: BedrockSettings,
  region: string | null = settings.region,
): Promise<ClientConfig> {
  const credentials = await awsCredentials(settings, CREDENTIALS);
  return {
    ...(region === null ? {} : { region }),
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    retryMode: 'adaptive',
    maxAttempts: settings.maxAttempts ?? MAX_ATTEMPTS,
    // The runtime client's own choice is HTTP/2, which many proxies and endpoints do not speak.
    requestHandler: new NodeHttpHandler({ connectionTimeout: CONNECT_TIMEOUT_MS }),
  };
}

const CREDENTIALS: CredentialErrors = {
  profileField: 'PLUMBLINE_BEDROCK_PROFILE',
  roleField: 'PLUMBLINE_BEDROCK_ROLE_ARN',
  denied: 'provider_access_denied',
  unavailable: 'provider_unavailable',
};

/**
 * The ARN of a foundation model. An inference profile's id names an account as well, which is not
 * known here, so it stays as it is; so does what is an ARN already.
 */
export function modelArn(model: string, region: string): string {
  if (model.startsWith('arn:') || INFERENCE_PROFILE.test(model)) return model;
  return `arn:${partitionOf(region)}:bedrock:${region}::foundation-model/${model}`;
}

/** Ids of cross-region profiles begin with the place they serve, foundation models with their maker. */
const INFERENCE_PROFILE = /^(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\./u;

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
