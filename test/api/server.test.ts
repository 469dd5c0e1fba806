import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { startServer } from '../../src/api/server.js';
import { hasCode } from '../../src/errors.js';
import { ANSWER, CONFIG, defer, fakeRuntime, openApp } from './support.js';

const child = fileURLToPath(new URL('server-child.js', import.meta.url));
const QUERY_PATH = '/v1/collections/handbook/query';

async function query(url: string): Promise<Response> {
  return fetch(`${url}${QUERY_PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'x' }),
  });
}

async function message(process: ChildProcess): Promise<string> {
  const [text] = (await once(process, 'message')) as [string];
  return text;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(
    `${signal}: running requests finish, the runtime is closed, and the exit code is 0`,
    { timeout: 20_000 },
    async () => {
      const server = fork(child, ['20000']);
      const url = await message(server);
      const answer = query(url);
      assert.equal(await message(server), 'querying');
      const exited = once(server, 'exit');
      server.kill(signal);
      await refusesConnections(url);
      server.send('go on');
      const response = await answer;
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('connection'), 'close');
      assert.deepEqual(await response.json(), ANSWER);
      assert.deepEqual(await exited, [0, null]);
    },
  );
}

test('a second signal ends the process at once', { timeout: 20_000 }, async () => {
  const server = fork(child, ['20000']);
  const url = await message(server);
  const answer = query(url);
  assert.equal(await message(server), 'querying');
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  await refusesConnections(url);
  server.kill('SIGTERM');
  await assert.rejects(answer);
  assert.deepEqual(await exited, [null, 'SIGTERM']);
});

test(
  'requests that outlast the drain are answered 503, and the server still closes',
  { timeout: 20_000 },
  async () => {
    const closed: string[] = [];
    const begun = defer<undefined>();
    const never = defer<never>();
    const server = await startServer({
      version: '1',
      handleSignals: false,
      config: { ...CONFIG, logLevel: 'silent', drainTimeoutMs: 30 },
      runtime: fakeRuntime({
        retrieve: () => {
          begun.resolve(undefined);
          return never.promise;
        },
        close: () => {
          closed.push('runtime');
          return Promise.resolve();
        },
      }),
    });
    const answer = query(server.url);
    await begun.promise;
    assert.equal(server.close(), server.close());
    const response = await answer;
    assert.equal(response.status, 503);
    assert.equal(((await response.json()) as { code: string }).code, 'overloaded');
    await server.closed;
    assert.deepEqual(closed, ['runtime']);
  },
);

test('a kept connection is closed with the last answer on it', { timeout: 20_000 }, async () => {
  const begun = defer<undefined>();
  const answer = defer<typeof ANSWER>();
  const server = await startServer({
    version: '1',
    handleSignals: false,
    config: { ...CONFIG, logLevel: 'silent' },
    runtime: fakeRuntime({
      retrieve: () => {
        begun.resolve(undefined);
        return answer.promise;
      },
    }),
  });
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.setEncoding('utf8');
  let text = '';
  socket.on('data', (part: string) => {
    text += part;
  });
  const body = '{"query":"x"}';
  socket.write(
    `POST ${QUERY_PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`,
  );
  await begun.promise;
  const closed = server.close();
  answer.resolve(ANSWER);
  await once(socket, 'close');
  await closed;
  assert.match(text, /^HTTP\/1\.1 200 /u);
  assert.match(text, /connection: close/iu);
});

test('while draining, work and readiness are refused, and probes of life answered', async (t) => {
  const app = await openApp(t);
  const query = { method: 'POST', url: QUERY_PATH, payload: { query: 'x' } } as const;
  assert.equal((await app.fastify.inject(query)).headers.connection, 'keep-alive');
  app.drain();
  for (const request of [query, { url: '/readyz' }, { url: '/v1/nothing' }, { url: '/healthz' }]) {
    const response = await app.fastify.inject(request);
    const expected = request.url === '/healthz' ? 200 : request.url === '/v1/nothing' ? 404 : 503;
    assert.equal(response.statusCode, expected, request.url);
    assert.equal(response.headers.connection, 'close');
    assert.equal(response.headers['retry-after'] !== undefined, expected === 503);
  }
  assert.match((await app.fastify.inject('/metrics')).body, /rejections_total\{reason="draining"\} 1/u);
});

test('idle kept connections do not hold the server up', { timeout: 10_000 }, async () => {
  const server = await startServer({
    version: '1',
    handleSignals: false,
    config: { ...CONFIG, logLevel: 'silent' },
    runtime: fakeRuntime(),
  });
  const agent = new Agent({ keepAlive: true });
  const [response] = (await once(get(`${server.url}/healthz`, { agent }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  await server.close();
  agent.destroy();
});

test('an address that others reach is refused without keys, and the runtime closed', async () => {
  let closed = 0;
  const runtime = fakeRuntime({
    close: () => {
      closed += 1;
      return Promise.resolve();
    },
  });
  const start = async (host: string, apiKeyHashes: readonly string[]): ReturnType<typeof startServer> =>
    startServer({
      version: '1',
      handleSignals: false,
      runtime,
      config: { ...CONFIG, logLevel: 'silent', host, apiKeyHashes },
    });
  await assert.rejects(start('0.0.0.0', []), (error) => hasCode(error, 'invalid_config'));
  assert.equal(closed, 1);

  const key = 'a-key';
  const server = await start('0.0.0.0', [createHash('sha256').update(key).digest('hex')]);
  const { port } = new URL(server.url);
  const url = `http://127.0.0.1:${port}/v1/embedders`;
  assert.equal((await fetch(url)).status, 401);
  assert.equal((await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status, 200);
  await server.close();
  assert.equal(closed, 2);
});

test('a port that is taken is a configuration error', async () => {
  const options = {
    version: '1',
    handleSignals: false,
    runtime: fakeRuntime(),
    config: { ...CONFIG, logLevel: 'silent' },
  };
  const first = await startServer(options);
  const port = Number(new URL(first.url).port);
  await assert.rejects(
    startServer({ ...options, config: { ...options.config, port } }),
    (error) => hasCode(error, 'invalid_config') && error.message.includes(String(port)),
  );
  await first.close();
});

async function refusesConnections(url: string): Promise<void> {
  const { port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.destroy();
    } catch {
      return;
    }
  }
}
