import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RetrieveAndGenerateCommandInput } from '@aws-sdk/client-bedrock-agent-runtime';
import { collectAnswer } from '../../src/answer/collect.js';
import { answerRequestSchema, answerSchema } from '../../src/answer/schema.js';
import type { Answer, AnswerEvent, AnswerInput } from '../../src/answer/schema.js';
import { RetrievalError } from '../../src/errors.js';
import { eventFrame, exceptionFrame } from '../bedrock/event-stream.js';
import { knowledgeBaseHandler } from '../bedrock/retrieve.js';
import { MODEL, openBedrockRuntime } from '../bedrock/runtime.js';
import type { BedrockRuntime } from '../bedrock/runtime.js';
import { awsError } from '../bedrock/server.js';

const ID = 'KB12345678';
const chunks = [
  {
    id: 'c1',
    uri: 's3://policies/leave.md',
    text: 'Everyone has 30 days of leave. Ask HR.',
    metadata: { dept: 'HR' },
  },
  { id: 'c2', uri: 's3://policies/parents.md', text: 'Parents have more leave.', metadata: { dept: 'HR' } },
  { id: 'c3', uri: 's3://policies/pets.md', text: 'Pets are welcome.', metadata: { dept: 'IT' } },
];

describe('an answer of a knowledge base', () => {
  const teardown: (() => Promise<void>)[] = [];
  let opened: BedrockRuntime;

  before(async () => {
    opened = await openBedrockRuntime(
      { after: (run) => void teardown.push(run as () => Promise<void>) },
      {
        handlers: [knowledgeBaseHandler({ id: ID, chunks })],
        knowledgeBases: [{ name: 'policies', id: ID, search_type: 'HYBRID', fields: { dept: 'keyword' } }],
      },
    );
  });
  beforeEach(() => {
    opened.fake.reset();
  });
  after(async () => {
    for (const run of teardown) await run();
  });

  const events = (input: Partial<AnswerInput>, how: 'whole' | 'streamed') =>
    opened.runtime.answer(
      'policies',
      answerRequestSchema.parse({ query: 'How much leave has everyone?', ...input }),
      how,
    );
  const ask = (input: Partial<AnswerInput> = {}, how: 'whole' | 'streamed' = 'whole'): Promise<Answer> =>
    collectAnswer(events(input, how));

  for (const how of ['whole', 'streamed'] as const) {
    test(`${how}: its citations are ours`, async () => {
      const answer = answerSchema.parse(await ask({}, how));
      assert.equal(answer.answer, 'Everyone has 30 days of leave. Parents have more leave.');
      assert.deepEqual(
        answer.citations.map(({ start, end, source, document_id: id, score }) => [
          answer.answer.slice(start, end),
          source,
          id,
          score,
        ]),
        [
          ['Everyone has 30 days of leave.', 1, 's3://policies/leave.md', null],
          ['Parents have more leave.', 2, 's3://policies/parents.md', null],
        ],
      );
      assert.deepEqual(
        answer.sources.map(({ number, chunk_id: id }) => [number, id]),
        [
          [1, 'c1'],
          [2, 'c2'],
        ],
      );
      assert.deepEqual([answer.grounded, answer.warnings, answer.model], [true, [], MODEL]);
    });
  }

  test('what is sent: model, search type, filter, number of results', async () => {
    await ask({ filter: { dept: 'HR' }, top_k: 3, max_tokens: 99, temperature: 0 });
    const sent = opened.fake.requests[0]?.body as RetrieveAndGenerateCommandInput;
    assert.deepEqual(sent, {
      input: { text: 'How much leave has everyone?' },
      retrieveAndGenerateConfiguration: {
        type: 'KNOWLEDGE_BASE',
        knowledgeBaseConfiguration: {
          knowledgeBaseId: ID,
          modelArn: `arn:aws:bedrock:us-east-1::foundation-model/${MODEL}`,
          retrievalConfiguration: {
            vectorSearchConfiguration: {
              numberOfResults: 3,
              overrideSearchType: 'HYBRID',
              filter: { equals: { key: 'dept', value: 'HR' } },
            },
          },
          generationConfiguration: {
            inferenceConfig: { textInferenceConfig: { maxTokens: 99, temperature: 0 } },
          },
        },
      },
    });
  });

  test('an inference profile stays as it is', async () => {
    await ask({ model: 'us.amazon.nova-lite-v1:0' });
    assert.match(opened.fake.requests[0]?.raw ?? '', /"modelArn":"us\.amazon\.nova-lite-v1:0"/u);
  });

  test('nothing found: no citation, and said so', async () => {
    const answer = await ask({ query: 'zzz' });
    assert.deepEqual([answer.grounded, answer.warnings.map(({ code }) => code)], [false, ['no_citations']]);
    assert.equal((await ask({ filter: { dept: { $in: [] } } })).grounded, false);
    assert.equal(opened.fake.requests.length, 1);
  });

  test('a citation of words that are not in the answer is left out, and told', async () => {
    const part = (text: string) => ({
      generatedResponsePart: { textResponsePart: { text, span: { start: 400, end: 500 } } },
      retrievedReferences: [
        {
          content: { type: 'TEXT', text: 'Leave.' },
          location: { type: 'S3', s3Location: { uri: 's3://a' } },
        },
      ],
    });
    const body = {
      sessionId: 's',
      output: { text: 'Thirty days.' },
      citations: [part('Thirty'), part('Forty')],
    };
    opened.fake.fail({ kind: 'reply', reply: { kind: 'json', body } });
    const { citations, warnings } = await ask();
    assert.deepEqual(
      citations.map(({ start, text }) => [start, text]),
      [[0, 'Thirty']],
    );
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['citations_unplaced'],
    );
  });

  const unsupported: readonly (readonly [Partial<AnswerInput>, string])[] = [
    [{ min_score: 0.5 }, 'min_score'],
    [{ prompt_tokens: 500 }, 'prompt_tokens'],
    [{ rerank: { model: 'amazon.rerank-v1:0' } }, 'rerank.on_failure'],
    [{ mode: 'keyword' }, 'mode'],
  ];
  for (const [input, field] of unsupported) {
    test(`${field} is refused, not left aside`, async () => {
      await assert.rejects(ask(input), { code: 'unsupported_capability', field });
      assert.equal(opened.fake.requests.length, 0);
    });
  }

  test('a reranker that may fail is its own', async () => {
    await ask({ rerank: { model: 'amazon.rerank-v1:0', candidates: 50, on_failure: 'fail' }, top_k: 2 });
    const raw = opened.fake.requests[0]?.raw ?? '';
    assert.match(raw, /"numberOfResults":50/u);
    assert.match(raw, /"numberOfRerankedResults":2/u);
  });

  test('errors are typed, in mid-stream too, without a word of the question', async () => {
    const secret = 'How much leave has everyone?';
    opened.fake.fail({ kind: 'reply', reply: awsError('AccessDeniedException', 403, secret) });
    await assert.rejects(ask(), { code: 'provider_access_denied', message: /bedrock:RetrieveAndGenerate/u });
    const frames = [eventFrame('output', { text: 'Every' }), exceptionFrame('throttlingException', secret)];
    opened.fake.fail({ kind: 'reply', reply: { kind: 'events', frames } });
    const seen: AnswerEvent[] = [];
    const error: unknown = await (async () => {
      for await (const event of events({}, 'streamed')) seen.push(event);
    })().catch((thrown: unknown) => thrown);
    assert.ok(
      error instanceof RetrievalError && error.code === 'rate_limited' && !error.message.includes(secret),
    );
    assert.deepEqual(
      seen.map(({ event }) => event),
      ['sources', 'text'],
    );
  });
});
