import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { problemSchema } from '../../src/api/schemas/problem.js';
import { RetrievalError, cancelled } from '../../src/errors.js';
import type { QueryAnswer } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';
import { ANSWER, defer, fakeRuntime, listen, openApp } from './support.js';
import type { Deferred } from './support.js';

const QUERY = {
  method: 'POST',
  url: '/v1/collections/handbook/query',
  payload: { query: 'x' },
} as const;

/** A runtime whose queries wait to be answered; each begins by saying so. */
function waitingRuntime(heedsAbort: boolean): {
  readonly runtime: Runtime;
  readonly calls: { readonly answer: Deferred<QueryAnswer>; readonly signal: AbortSignal }[];
  readonly begun: (count: number) => Promise<void>;
} {
  const calls: { readonly answer: Deferred<QueryAnswer>; readonly signal: AbortSignal }[] = [];
  const waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  const runtime = fakeRuntime({
    retrieve: (_name, _request, options) => {
      const signal = options?.signal;
      assert.ok(signal !== undefined);
      const answer = defer<QueryAnswer>();
      if (heedsAbort) {
        signal.addEventListener('abort', () => {
          answer.reject(cancelled(signal.reason));
        });
      }
      calls.push({ answer, signal });
      for (const waiter of waiters) if (calls.length >= waiter.count) waiter.resolve();
      return answer.promise;
    },
  });
  return {
    runtime,
    calls,
    begun: (count) =>
      new Promise((resolve) => {
        if (calls.length >= count) resolve();
        else waiters.push({ count, resolve });
      }),
  };
}

test('more than maxInflight requests are refused with Retry-After, and probes still answered', async (t) => {
  const { runtime, calls, begun } = waitingRuntime(true);
  const { fastify } = await openApp(t, runtime, { maxInflight: 2 });
  const running = [fastify.inject(QUERY), fastify.inject(QUERY)];
  await begun(2);

  const refused = await fastify.inject(QUERY);
  assert.equal(refused.statusCode, 503);
  assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/u);
  const problem = problemSchema.parse(refused.json());
  assert.equal(problem.code, 'overloaded');
  assert.deepEqual(problem.details, { max_inflight: 2 });
  for (const url of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await fastify.inject(url)).statusCode, 200, url);
  }
  assert.match((await fastify.inject('/metrics')).body, /plumbline_http_requests_in_flight 2/u);

  calls[0]?.answer.resolve(ANSWER);
  assert.equal((await running[0])?.statusCode, 200);
  // One place is free again.
  const next = fastify.inject(QUERY);
  await begun(3);
  for (const call of calls) call.answer.resolve(ANSWER);
  assert.equal((await next).statusCode, 200);
  assert.equal((await running[1])?.statusCode, 200);
  assert.match((await fastify.inject('/metrics')).body, /plumbline_http_requests_in_flight 0/u);
});

for (const heedsAbort of [true, false]) {
  test(`a request that takes too long is 504; work that ${heedsAbort ? 'heeds' : 'ignores'} its signal`, async (t) => {
    const { runtime, calls } = waitingRuntime(heedsAbort);
    const { fastify } = await openApp(t, runtime, { requestTimeoutMs: 20, maxInflight: 1 });
    const response = await fastify.inject(QUERY);
    assert.equal(response.statusCode, 504);
    const problem = problemSchema.parse(response.json());
    assert.equal(problem.code, 'timeout');
    assert.deepEqual(problem.details, { timeout_ms: 20 });
    assert.equal(calls[0]?.signal.aborted, true);

    // Work that goes on keeps its place until it ends.
    const { body } = await fastify.inject('/metrics');
    assert.ok(body.includes(`plumbline_http_requests_in_flight ${heedsAbort ? '0' : '1'}\n`));
    if (!heedsAbort) {
      assert.equal((await fastify.inject(QUERY)).statusCode, 503);
      calls[0].answer.resolve(ANSWER);
      await new Promise(setImmediate);
      assert.match((await fastify.inject('/metrics')).body, /plumbline_http_requests_in_flight 0/u);
    }
  });
}

test('a client that goes away stops its work', { timeout: 10_000 }, async (t) => {
  const { runtime, calls, begun } = waitingRuntime(true);
  const app = await openApp(t, runtime);
  const url = await listen(app);
  const client = httpRequest(`${url}${QUERY.url}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  client.on('error', () => undefined);
  client.end(JSON.stringify(QUERY.payload));
  await begun(1);
  const signal = calls[0]?.signal;
  assert.ok(signal !== undefined);
  const aborted = once(signal, 'abort');
  client.destroy();
  await aborted;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /route="\/v1\/collections\/:name\/query",status="499"/u);
  assert.match(metrics, /plumbline_http_requests_in_flight 0/u);
});

test('a client that goes away while sending its body stops nothing else', { timeout: 10_000 }, async (t) => {
  const app = await openApp(t, fakeRuntime(), { maxInflight: 1 });
  const url = await listen(app);
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST ${QUERY.url} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"quer`,
  );
  // The place is taken as soon as the head has arrived.
  while (!(await (await fetch(`${url}/metrics`)).text()).includes('in_flight 1'));
  socket.destroy();
  while (!(await (await fetch(`${url}/metrics`)).text()).includes('in_flight 0'));
  const response = await fetch(`${url}${QUERY.url}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(QUERY.payload),
  });
  assert.equal(response.status, 200);
});

test(
  'what is not HTTP, or has too long a head, is answered with a problem too',
  { timeout: 10_000 },
  async (t) => {
    const app = await openApp(t);
    const { port } = new URL(await listen(app));
    for (const [bytes, status] of [
      ['this is not http\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 413],
      ['GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n', 400],
    ] as const) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.setEncoding('utf8');
      let text = '';
      socket.on('data', (part: string) => {
        text += part;
      });
      socket.write(bytes);
      await once(socket, 'close');
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${String(status)} `, 'u'));
      const problem = problemSchema.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)));
      assert.equal(problem.status, status);
    }
  },
);

test('a body that never ends is cut off', { timeout: 20_000 }, async (t) => {
  const app = await openApp(t, fakeRuntime(), { requestTimeoutMs: 200 });
  const { port } = new URL(await listen(app));
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `POST ${QUERY.url} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
  );
  socket.setEncoding('utf8');
  const [answer] = (await once(socket, 'data')) as [string];
  assert.match(answer, /^HTTP\/1\.1 400 [^]*did not arrive whole in time/u);
  await once(socket, 'close');
});

test('a store that fails its ping makes the service not ready, but alive', async (t) => {
  for (const error of [new Error('gone'), new RetrievalError('data_folder_in_use', 'in use')]) {
    const store = { ...fakeRuntime().store, ping: () => Promise.reject(error) };
    const { fastify } = await openApp(t, fakeRuntime({ store }));
    const response = await fastify.inject('/readyz');
    assert.equal(response.statusCode, 503);
    assert.equal(
      problemSchema.parse(response.json()).code,
      error instanceof RetrievalError ? error.code : 'store_unavailable',
    );
    assert.equal((await fastify.inject('/healthz')).statusCode, 200);
  }
});
