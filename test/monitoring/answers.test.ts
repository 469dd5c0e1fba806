/** What /metrics tells of answers and rerankers. Bedrock is the loopback server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createApp } from '../../src/api/app.js';
import type { App } from '../../src/api/app.js';
import { NOT_KNOWN } from '../../src/answer/answer.js';
import { createAnswerMetrics } from '../../src/monitoring/answers.js';
import { CONFIG } from '../api/support.js';
import { REFUSING_MODELS, converseHandler } from '../bedrock/converse.js';
import type { Said } from '../bedrock/converse.js';
import { rerankHandler } from '../bedrock/rerank.js';
import { knowledgeBaseHandler } from '../bedrock/retrieve.js';
import { MODEL, openBedrockRuntime, textDocument } from '../bedrock/runtime.js';
import type { FakeBedrock } from '../bedrock/server.js';
import { throttled } from '../bedrock/server.js';
import { readSamples, until, valueOf } from './support.js';
import type { Sample } from './support.js';

const QUESTION = 'How many days of leave?';
const RERANKER = 'cohere.rerank-v3-5:0';
const KB = { name: 'handbook-kb', id: 'KB12345678', search_type: 'SEMANTIC', fields: {} } as const;

interface Service {
  readonly app: App;
  readonly fake: FakeBedrock;
  say(said: Said): void;
  answer(body?: object, collection?: string): Promise<{ readonly status: number; readonly body: string }>;
  samples(): Promise<readonly Sample[]>;
}

async function open(t: TestContext): Promise<Service> {
  let said: Said = { text: 'Thirty days [S1].' };
  const { runtime, fake } = await openBedrockRuntime(t, {
    handlers: [
      converseHandler({ say: () => said }),
      rerankHandler(),
      knowledgeBaseHandler({
        id: KB.id,
        chunks: [{ id: 'c1', uri: 's3://b/leave.md', text: 'Everyone has 30 days of leave.' }],
      }),
    ],
    documents: [textDocument('leave', '# Leave\n\nEveryone has 30 days of leave a year.')],
    knowledgeBases: [KB],
  });
  const app = await createApp({ runtime, config: CONFIG, version: '1.2.3', logSink: { write: () => true } });
  t.after(() => {
    // A client that left may have opened another connection, which would be waited for.
    app.fastify.server.closeAllConnections();
    return app.fastify.close();
  });
  return {
    app,
    fake,
    say(next) {
      said = next;
    },
    async answer(body = {}, collection = 'handbook') {
      const { statusCode, body: text } = await app.fastify.inject({
        method: 'POST',
        url: `/v1/collections/${collection}/answer`,
        payload: { query: QUESTION, ...body },
      });
      return { status: statusCode, body: text };
    },
    samples: async () => readSamples((await app.fastify.inject('/metrics')).body),
  };
}

const outcomes = (samples: readonly Sample[], mode: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    samples
      .filter(
        ({ name, labels, value }) =>
          name === 'plumbline_answers_total' && labels['mode'] === mode && value > 0,
      )
      .map(({ labels, value }) => [labels['outcome'] ?? '', value]),
  );

test('answers are counted by what became of them, and what they cost and took', async (t) => {
  const service = await open(t);
  const quiet = await service.samples();
  assert.equal(valueOf(quiet, 'plumbline_answers_total', { outcome: 'failed', mode: 'streamed' }), 0);

  await service.answer();
  await service.answer({ stream: true });
  service.say({ text: 'Thirty days [S9].' });
  await service.answer();
  service.say({ text: 'No.', stopReason: 'guardrail_intervened' });
  await service.answer();
  const missed = await service.answer({ filter: { dept: 'none' }, query: 'zebra', mode: 'keyword' });
  assert.equal(missed.status, 400, missed.body);
  const unknown = await service.answer({ query: 'zebra', mode: 'keyword' });
  assert.ok(unknown.body.includes(NOT_KNOWN), unknown.body);
  await service.answer({ model: REFUSING_MODELS.profileOnly });
  await service.answer({ model: REFUSING_MODELS.noAccess });
  service.fake.fail({ kind: 'reply', reply: throttled() });
  const limited = await service.answer();
  assert.equal(limited.status, 429);

  const samples = await service.samples();
  assert.deepEqual(outcomes(samples, 'whole'), {
    answered: 2,
    withheld: 1,
    not_known: 1,
    refused: 2,
    failed: 2,
  });
  assert.deepEqual(outcomes(samples, 'streamed'), { answered: 1 });
  const warnings = (code: string): number | undefined =>
    valueOf(samples, 'plumbline_answer_warnings_total', { code });
  assert.deepEqual(
    ['unknown_citations', 'no_citations', 'answer_withheld', 'rerank_failed'].map(warnings),
    [1, 2, 1, 0],
  );
  const tokens = (direction: string): number =>
    valueOf(samples, 'plumbline_answer_tokens_total', { model: MODEL, direction }) ?? 0;
  assert.ok(tokens('input') > 4 * tokens('output') && tokens('output') >= 4, String(tokens('output')));
  const models = samples.filter(({ name }) => name === 'plumbline_answer_tokens_total');
  assert.deepEqual(
    new Set(models.map(({ labels }) => labels['model'])),
    new Set([MODEL]),
    'refused ones take no place',
  );
  const parts = (part: string): number | undefined =>
    valueOf(samples, 'plumbline_answer_duration_seconds_count', { part });
  assert.deepEqual(['retrieve', 'generate', 'total'].map(parts), [5, 4, 5]);
});

test('a stream that breaks is failed, though its status was 200; one that is left is cancelled', async (t) => {
  const service = await open(t);
  const url = await service.app.fastify.listen({ host: '127.0.0.1', port: 0 });
  service.fake.fail({ kind: 'half' });
  const broken = await service.answer({ stream: true });
  assert.equal(broken.status, 200);
  assert.match(broken.body, /event: error/u);

  service.say({ text: 'Thirty days, and so on', onGone: () => undefined });
  const controller = new AbortController();
  const response = await fetch(`${url}/v1/collections/handbook/answer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUESTION, stream: true }),
    signal: controller.signal,
  });
  await response.body?.getReader().read();
  controller.abort();
  await until(async () => outcomes(await service.samples(), 'streamed')['cancelled'] === 1);
  assert.deepEqual(outcomes(await service.samples(), 'streamed'), { failed: 1, cancelled: 1 });
});

test('a knowledge base’s answers are counted too; its one call is the model’s', async (t) => {
  const service = await open(t);
  const answered = await service.answer({}, KB.name);
  assert.equal(answered.status, 200, answered.body);
  const samples = await service.samples();
  assert.deepEqual(outcomes(samples, 'whole'), { answered: 1 });
  const parts = (part: string): number | undefined =>
    valueOf(samples, 'plumbline_answer_duration_seconds_count', { part });
  assert.deepEqual(['retrieve', 'generate', 'total'].map(parts), [undefined, 1, 1]);
});

test('calls of a reranker, and the queries and answers that went on without it', async (t) => {
  const service = await open(t);
  const rerank = { model: RERANKER };
  const query = (collection: string): Promise<unknown> =>
    service.app.fastify.inject({
      method: 'POST',
      url: `/v1/collections/${collection}/query`,
      payload: { query: QUESTION, rerank },
    });
  await query('handbook');
  await query(KB.name);
  service.fake.failWhen(({ path }) => (path === '/rerank' ? { kind: 'reply', reply: throttled() } : null));
  await query('handbook');
  await query(KB.name);
  await service.answer({ rerank });
  const samples = await service.samples();
  const calls = (outcome: string): number | undefined =>
    valueOf(samples, 'plumbline_rerank_calls_total', { model: RERANKER, outcome });
  assert.deepEqual(['done', 'failed'].map(calls), [2, 3]);
  assert.equal(valueOf(samples, 'plumbline_query_warnings_total', { code: 'rerank_failed' }), 2);
  assert.equal(valueOf(samples, 'plumbline_answer_warnings_total', { code: 'rerank_failed' }), 1);
});

test('however many models callers name, their series are bounded', async () => {
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  const metrics = createAnswerMetrics(registry);
  const took = { retrieve: 1, generate: 1, total: 2 };
  for (let index = 0; index < 100; index += 1) {
    metrics.done(
      `model-${String(index)}`,
      { usage: { input_tokens: 1, output_tokens: 1 }, took_ms: took },
      true,
    );
  }
  const samples = readSamples(await registry.metrics());
  const series = samples.filter(({ name }) => name === 'plumbline_answer_tokens_total');
  assert.equal(series.length, 42);
  assert.equal(valueOf(series, 'plumbline_answer_tokens_total', { model: 'other', direction: 'input' }), 80);
});
