import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeBedrock } from '../../../src/embedders/bedrock/probe.js';
import { createEmbedModels } from '../../bedrock/embed-models.js';
import { bedrockSettings, useTestCredentials } from '../../bedrock/embed-support.js';
import { awsError, startFakeBedrock } from '../../bedrock/server.js';

useTestCredentials();

test('the probe says of each configured model whether it answers, or what is missing', async (t) => {
  const server = await startFakeBedrock({ handlers: [createEmbedModels().handler] });
  t.after(() => server.close());
  const settings = bedrockSettings(server.url, 'titan-v2');
  server.failWhen(({ path }) => {
    if (path.includes('english')) {
      return {
        kind: 'reply',
        reply: awsError(
          'AccessDeniedException',
          403,
          "You don't have access to the model with the specified model ID.",
        ),
      };
    }
    return path.includes('multilingual')
      ? { kind: 'reply', reply: awsError('AccessDeniedException', 403, 'not authorized to perform') }
      : null;
  });
  const findings = await probeBedrock(settings);
  assert.deepEqual(
    findings.map(({ area, level }) => [area, level]),
    [
      ['model titan-v2', 'ok'],
      ['model cohere-v3-english', 'problem'],
      ['model cohere-v3-multilingual', 'problem'],
    ],
  );
  assert.match(findings[1]?.advice ?? '', /Model access/u);
  assert.match(findings[2]?.what ?? '', /bedrock:InvokeModel/u);
  assert.equal(server.requests.length, 3, 'one call each, and none again');

  server.reset();
  const named = await probeBedrock({
    ...settings,
    modelIds: { 'titan-v2-256': 'eu.amazon.titan-embed-text-v2:0' },
  });
  assert.deepEqual(
    named.map(({ area, level }) => [area, level]),
    [['model titan-v2-256', 'ok']],
  );
  assert.match(decodeURIComponent(server.requests[0]?.path ?? ''), /^\/model\/eu\.amazon\.titan/u);
});
