import { after, before, describe } from 'node:test';
import { withVectorCache } from '../../src/embedders/cache/index.js';
import { createEmbedModels } from '../bedrock/embed-models.js';
import { openTestBedrock, temporaryFolder, useTestCredentials } from '../bedrock/embed-support.js';
import { startFakeBedrock } from '../bedrock/server.js';
import type { FakeBedrock } from '../bedrock/server.js';
import { embedderConformance } from '../conformance/embedder/suite.js';

useTestCredentials();

describe('embedders on Bedrock', () => {
  let server: FakeBedrock;
  before(async () => {
    server = await startFakeBedrock({ handlers: [createEmbedModels().handler], latencyMs: 1 });
  });
  after(() => server.close());

  embedderConformance('titan-v2', () => openTestBedrock(server.url, 'titan-v2'), { takesEmpty: false });
  embedderConformance('titan-v2-256', () => openTestBedrock(server.url, 'titan-v2-256'), {
    takesEmpty: false,
    sharesTokenizer: true,
  });
  embedderConformance('cohere-v3-english', () => openTestBedrock(server.url, 'cohere-v3-english'), {
    takesEmpty: false,
    sharesTokenizer: true,
  });

  describe('with a cache', () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    before(async () => {
      folder = await temporaryFolder();
    });
    after(() => folder.remove());
    embedderConformance(
      'cohere-v3-multilingual',
      async () =>
        withVectorCache(await openTestBedrock(server.url, 'cohere-v3-multilingual'), { folder: folder.path }),
      { takesEmpty: false, sharesTokenizer: true },
    );
  });
});
