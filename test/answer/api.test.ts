import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { answerSchema } from '../../src/answer/schema.js';
import { createApp } from '../../src/api/app.js';
import type { App } from '../../src/api/app.js';
import { problemSchema } from '../../src/api/schemas/problem.js';
import { CONFIG } from '../api/support.js';
import { converseHandler } from '../bedrock/converse.js';
import type { Said } from '../bedrock/converse.js';
import { eventFrame, exceptionFrame } from '../bedrock/event-stream.js';
import { openBedrockRuntime, textDocument } from '../bedrock/runtime.js';
import type { BedrockRuntime } from '../bedrock/runtime.js';

const QUESTION = 'How many days of leave?';

interface ServerEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function parseEvents(text: string): readonly ServerEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const match = /^event: (\w+)\ndata: (.*)$/u.exec(block);
      assert.ok(match !== null, block);
      return { event: match[1] ?? '', data: JSON.parse(match[2] ?? '') as ServerEvent['data'] };
    });
}

describe('POST /v1/collections/{name}/answer', () => {
  const teardown: (() => Promise<void>)[] = [];
  const logs: string[] = [];
  let opened: BedrockRuntime;
  let app: App;
  let url: string;
  let said: Said;

  before(async () => {
    opened = await openBedrockRuntime(
      { after: (run) => void teardown.push(run as () => Promise<void>) },
      {
        handlers: [converseHandler({ say: () => said })],
        documents: [textDocument('leave', '# Leave\n\nEveryone has 30 days of leave a year.')],
      },
    );
    app = await createApp({
      runtime: opened.runtime,
      config: CONFIG,
      version: '1.2.3',
      logSink: { write: (line) => void logs.push(line) },
    });
    url = await app.fastify.listen({ host: '127.0.0.1', port: 0 });
  });
  beforeEach(() => {
    opened.fake.reset();
    logs.length = 0;
    said = { text: 'Thirty days [S1].' };
  });
  after(async () => {
    await app.fastify.close();
    for (const run of teardown) await run();
  });

  const post = (body: object, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal) =>
    fetch(`${url}/v1/collections/handbook/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: QUESTION, ...body }),
      ...(signal === undefined ? {} : { signal }),
    });

  test('it answers JSON of its schema', async () => {
    const response = await post({});
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/u);
    const answer = answerSchema.parse(await response.json());
    assert.equal(answer.citations[0]?.document_id, 'leave');
  });

  for (const [what, body, headers] of [
    ['stream: true', { stream: true }, {}],
    ['Accept', {}, { accept: 'application/json;q=0.5, text/event-stream' }],
  ] as const) {
    test(`${what} asks for events`, async () => {
      const response = await post(body, headers);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/u);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const events = parseEvents(await response.text());
      const kinds = events.map(({ event }) => event);
      assert.equal(kinds[0], 'sources');
      assert.deepEqual(kinds.slice(-2), ['citations', 'done']);
      const text = events.filter(({ event }) => event === 'text').map(({ data }) => data['text']);
      assert.equal(text.join(''), 'Thirty days [S1].');
    });
  }

  test('a wildcard in Accept does not', async () => {
    assert.match((await post({}, { accept: '*/*' })).headers.get('content-type') ?? '', /json/u);
  });

  test('an error before the first event is a problem with its status', async () => {
    const response = await post({ stream: true, filter: { nothing: 1 } });
    assert.equal(response.status, 400);
    assert.equal(problemSchema.parse(await response.json()).code, 'unknown_field');
  });

  test('an error in mid-stream is an event, the last one', async () => {
    const frames = [
      eventFrame('contentBlockDelta', { delta: { text: 'Thirty' }, contentBlockIndex: 0 }),
      exceptionFrame('internalServerException', QUESTION),
    ];
    opened.fake.fail({ kind: 'reply', reply: { kind: 'events', frames } });
    const response = await post({ stream: true });
    const events = parseEvents(await response.text());
    assert.deepEqual(
      events.map(({ event }) => event),
      ['sources', 'text', 'error'],
    );
    const problem = problemSchema.parse(events[2]?.data);
    assert.deepEqual(
      [problem.code, problem.instance],
      ['provider_unavailable', '/v1/collections/handbook/answer'],
    );
    const logged = logs.join('');
    assert.match(logged, /provider_unavailable/u);
    for (const text of [QUESTION, 'Thirty', '30 days']) assert.ok(!logged.includes(text));
  });

  test('a client that goes away ends the call to the model, and frees its place', async () => {
    const gone = new Promise<void>((resolve) => {
      said = { text: 'Thirty days of leave', onGone: resolve };
    });
    const controller = new AbortController();
    const response = await post({ stream: true }, {}, controller.signal);
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    await gone;
    said = { text: 'Thirty days [S1].' };
    // All places are free again: as many as there are can be taken.
    const answers = await Promise.all(Array.from({ length: CONFIG.maxInflight }, () => post({})));
    assert.ok(answers.every(({ status }) => status === 200));
  });

  test('a body that is not valid names its member', async () => {
    const response = await post({ model: 'two words' });
    assert.deepEqual([response.status, problemSchema.parse(await response.json()).field], [400, 'model']);
  });
});
