/** A streamed answer whose maker does not heed its signal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../src/answer/schema.js';
import { fakeRuntime, openApp } from './support.js';

test('events that come too late for their request are ended all the same', { timeout: 10_000 }, async (t) => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let ended: () => void = () => undefined;
  const ending = new Promise<void>((resolve) => (ended = resolve));
  async function* events(): AsyncGenerator<AnswerEvent> {
    try {
      await held;
      yield { event: 'text', data: { text: 'late' } };
    } finally {
      ended();
    }
  }
  const { fastify } = await openApp(t, fakeRuntime({ answer: events }), { requestTimeoutMs: 50 });
  const response = await fastify.inject({
    method: 'POST',
    url: '/v1/collections/handbook/answer',
    payload: { query: 'why?', stream: true },
  });
  assert.equal(response.statusCode, 504);
  release();
  await ending;
});
