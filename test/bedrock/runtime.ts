/** A runtime over the in-memory store whose Bedrock is the loopback server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/config.js';
import type { Config } from '../../src/config.js';
import type { RawDocument } from '../../src/model.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { useTestCredentials } from './embed-support.js';
import { startFakeBedrock } from './server.js';
import type { FakeBedrock, FakeHandler } from './server.js';

export const MODEL = 'amazon.nova-lite-v1:0';
export const REGION = 'us-east-1';

export interface BedrockRuntime {
  readonly runtime: Runtime;
  readonly fake: FakeBedrock;
  readonly config: Config;
}

export interface BedrockRuntimeOptions {
  readonly handlers: readonly FakeHandler[];
  /** Put into the collection `handbook`. */
  readonly documents?: readonly RawDocument[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly knowledgeBases?: readonly object[];
}

/** Both are closed when the test ends. One attempt a call, so that faults are met at once. */
export async function openBedrockRuntime(
  test: Pick<TestContext, 'after'>,
  options: BedrockRuntimeOptions,
): Promise<BedrockRuntime> {
  useTestCredentials();
  const fake = await startFakeBedrock({ handlers: options.handlers });
  test.after(() => fake.close());
  const config = await bedrockConfig(test, fake.url, options);
  const embedder = createFakeEmbedder({ maxTokens: 4000 });
  const runtime = await openRuntime(config, {
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
  test.after(() => runtime.close());
  const { documents } = options;
  if (documents !== undefined) {
    await runtime.catalog.createCollection({ name: 'handbook', embedder: 'fake' });
    await runtime.ingest('handbook', {
      total: documents.length,
      async *items() {
        for (const document of documents) yield { kind: 'document', document };
      },
    });
  }
  return { runtime, fake, config };
}

async function bedrockConfig(
  test: Pick<TestContext, 'after'>,
  endpoint: string,
  { environment = {}, knowledgeBases }: BedrockRuntimeOptions,
): Promise<Config> {
  const file = knowledgeBases === undefined ? null : await knowledgeBaseFile(test, knowledgeBases);
  const config = loadConfig({
    PLUMBLINE_STORE_URL: 'memory:',
    PLUMBLINE_BEDROCK_REGION: REGION,
    PLUMBLINE_BEDROCK_ENDPOINT: endpoint,
    PLUMBLINE_ANSWER_MODEL: MODEL,
    ...(file === null ? {} : { PLUMBLINE_KNOWLEDGE_BASES_FILE: file }),
    ...environment,
  });
  const bedrock = { ...config.bedrock, maxAttempts: 1 };
  return { ...config, bedrock };
}

/** The file of PLUMBLINE_KNOWLEDGE_BASES_FILE; removed when the test ends. */
export async function knowledgeBaseFile(
  test: Pick<TestContext, 'after'>,
  knowledgeBases: readonly object[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-kb-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'knowledge-bases.json');
  await writeFile(file, JSON.stringify({ knowledge_bases: knowledgeBases }));
  return file;
}

/** A document of plain text, one chunk where it is short. */
export function textDocument(
  id: string,
  content: string,
  metadata: RawDocument['metadata'] = {},
): RawDocument {
  return { id, format: 'markdown', content, source: `${id}.md`, metadata };
}
