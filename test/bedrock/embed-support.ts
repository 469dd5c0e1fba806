/** Bedrock embedders over the loopback server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBedrock } from '../../src/embedders/bedrock/index.js';
import type { BedrockEmbedder, BedrockOptions } from '../../src/embedders/bedrock/index.js';
import type { BedrockName } from '../../src/embedders/bedrock/models.js';

/** What the SDK's own search for credentials finds; the server asks only for a signature. */
export function useTestCredentials(): void {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIATEST';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  delete process.env['AWS_PROFILE'];
}

export function bedrockSettings(
  endpoint: string,
  name: BedrockName,
  changes: Partial<BedrockOptions> = {},
): BedrockOptions {
  return {
    name,
    region: 'eu-central-1',
    profile: null,
    roleArn: null,
    endpoint,
    modelIds: {},
    prices: {},
    requestsPerMinute: null,
    tokensPerMinute: null,
    concurrency: 16,
    timeoutMs: 5000,
    maxAttempts: 4,
    retry: { firstMs: 2, longestMs: 10 },
    ...changes,
  };
}

export function openTestBedrock(
  endpoint: string,
  name: BedrockName,
  changes: Partial<BedrockOptions> = {},
): Promise<BedrockEmbedder> {
  return openBedrock(bedrockSettings(endpoint, name, changes));
}

export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'plumbline-embed-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
