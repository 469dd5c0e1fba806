import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { RetrievalError } from '../../src/errors.js';
import { createBedrockReranker } from '../../src/rerank/bedrock.js';
import type { RerankRequest } from '../../src/rerank/port.js';
import { useTestCredentials } from '../bedrock/embed-support.js';
import { rerankHandler } from '../bedrock/rerank.js';
import { awsError, startFakeBedrock, throttled } from '../bedrock/server.js';
import type { FakeBedrock, Fault } from '../bedrock/server.js';

const TEXTS = ['apples are red', 'pears are green fruit', 'the fruit of the pear tree is green'];
const REQUEST: RerankRequest = {
  model: 'amazon.rerank-v1:0',
  query: 'green pear fruit',
  texts: TEXTS,
  topK: 10,
};

describe('the Bedrock reranker', () => {
  let fake: FakeBedrock;
  let pageSize = 10;
  const open = (maxAttempts = 1) =>
    createBedrockReranker({
      region: 'us-east-1',
      profile: null,
      roleArn: null,
      endpoint: fake.url,
      maxAttempts,
    });

  before(async () => {
    useTestCredentials();
    fake = await startFakeBedrock({ handlers: [(request) => rerankHandler({ pageSize })(request)] });
  });
  beforeEach(() => {
    fake.reset();
    pageSize = 10;
  });
  after(() => fake.close());

  test('it sends the question and the sources, and answers the model’s order', async () => {
    const scores = await open().rerank(REQUEST);
    assert.deepEqual(
      scores.map(({ index }) => index),
      [2, 1, 0],
    );
    assert.deepEqual(
      fake.requests.map(({ body }) => body),
      [
        {
          queries: [{ type: 'TEXT', textQuery: { text: 'green pear fruit' } }],
          sources: TEXTS.map((text) => ({
            type: 'INLINE',
            inlineDocumentSource: { type: 'TEXT', textDocument: { text } },
          })),
          rerankingConfiguration: {
            type: 'BEDROCK_RERANKING_MODEL',
            bedrockRerankingConfiguration: {
              numberOfResults: 3,
              modelConfiguration: {
                modelArn: 'arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0',
              },
            },
          },
        },
      ],
    );
  });

  test('topK is asked for, and equal scores keep the order of the texts', async () => {
    const scores = await open().rerank({ ...REQUEST, texts: ['x', 'y', 'z'], topK: 2 });
    assert.deepEqual(
      scores.map(({ index }) => index),
      [0, 1],
    );
  });

  test('an answer in several parts is put together', async () => {
    pageSize = 1;
    const scores = await open().rerank(REQUEST);
    assert.deepEqual(
      scores.map(({ index }) => index),
      [2, 1, 0],
    );
    assert.equal(fake.requests.length, 3);
  });

  test('a thousand sources go in one call', async () => {
    pageSize = 1000;
    const texts = Array.from({ length: 1000 }, (_, index) => `source ${String(index)}`);
    const scores = await open().rerank({ ...REQUEST, texts, query: 'source 7', topK: 1000 });
    assert.equal(scores.length, 1000);
    assert.equal(fake.requests.length, 1);
  });

  test('a call that was throttled is made again by the SDK', async () => {
    fake.fail({ kind: 'reply', reply: throttled() });
    assert.equal((await open(2).rerank(REQUEST)).length, 3);
    assert.equal(fake.requests.length, 2);
  });

  const SECRET = 'green pear fruit';
  const faults: readonly (readonly [string, Fault, string])[] = [
    ['throttling', { kind: 'reply', reply: throttled() }, 'rate_limited'],
    [
      'no access',
      { kind: 'reply', reply: awsError('AccessDeniedException', 403, SECRET) },
      'provider_access_denied',
    ],
    [
      'a refusal',
      { kind: 'reply', reply: awsError('ValidationException', 400, `Value '${SECRET}' at x`) },
      'provider_refused',
    ],
    [
      'an unknown model',
      { kind: 'reply', reply: awsError('ResourceNotFoundException', 404, SECRET) },
      'provider_refused',
    ],
    [
      'an outage',
      { kind: 'reply', reply: awsError('InternalServerException', 500, SECRET) },
      'provider_unavailable',
    ],
    ['a broken connection', { kind: 'reset' }, 'provider_unavailable'],
    ['half an answer', { kind: 'half' }, 'provider_unavailable'],
    [
      'an answer of another form',
      { kind: 'reply', reply: { kind: 'json', body: { results: [{ index: 'a' }] } } },
      'provider_invalid_response',
    ],
    [
      'a result too few',
      { kind: 'reply', reply: { kind: 'json', body: { results: [{ index: 0, relevanceScore: 1 }] } } },
      'provider_invalid_response',
    ],
    [
      'an index twice',
      {
        kind: 'reply',
        reply: { kind: 'json', body: { results: [0, 0, 1].map((index) => ({ index, relevanceScore: 1 })) } },
      },
      'provider_invalid_response',
    ],
  ];
  for (const [what, fault, code] of faults) {
    test(`${what} is ${code}, without a word of what was sent`, async () => {
      fake.fail(fault);
      const error: unknown = await open()
        .rerank(REQUEST)
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof RetrievalError);
      assert.equal(error.code, code, error.message);
      const shown = JSON.stringify([error.message, error.details, error.field]);
      for (const text of [SECRET, ...TEXTS]) assert.ok(!shown.includes(text), shown);
      assert.equal(error.cause, undefined);
    });
  }

  test('no access names the permission and the model', async () => {
    fake.fail({ kind: 'reply', reply: awsError('AccessDeniedException', 403, 'no') });
    await assert.rejects(open().rerank(REQUEST), /bedrock:Rerank.*Model access/u);
  });

  test('aborting cancels the call', async () => {
    const controller = new AbortController();
    fake.failWhen(() => {
      controller.abort();
      return { kind: 'silence' };
    });
    await assert.rejects(open().rerank(REQUEST, { signal: controller.signal }), { code: 'cancelled' });
  });
});
