import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { bindAddress, isLoopbackHostHeader } from '../../src/api/loopback.js';
import { problemSchema } from '../../src/api/schemas/problem.js';
import { hasCode } from '../../src/errors.js';
import { fakeRuntime, openApp } from './support.js';

const KEYS = ['first-key-0123456789', 'second~key/with+every.sign_=='];
const apiKeyHashes = KEYS.map((key) => createHash('sha256').update(key).digest('hex'));

test('with keys configured, each of them opens everything, and nothing else does', async (t) => {
  const { fastify } = await openApp(t, fakeRuntime(), { apiKeyHashes });
  const paths = [
    '/v1/collections',
    '/v1/embedders',
    '/metrics',
    '/openapi.json',
    '/docs',
    '/docs/json',
    '/v1/nothing',
    '/',
  ];
  const refused = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    `Basic ${KEYS[0] ?? ''}`,
    `Bearer ${KEYS[0] ?? ''} ${KEYS[1] ?? ''}`,
    // A hash is not a key.
    `Bearer ${apiKeyHashes[0] ?? ''}`,
    `Bearer ${'x'.repeat(8000)}`,
  ];
  for (const url of paths) {
    for (const authorization of refused) {
      const response = await fastify.inject({
        url,
        headers: authorization === undefined ? {} : { authorization },
      });
      assert.equal(response.statusCode, 401, `${url} ${String(authorization).slice(0, 50)}`);
      assert.equal(response.headers['www-authenticate'], 'Bearer realm="plumbline"');
      assert.equal(problemSchema.parse(response.json()).code, 'unauthorized');
    }
    for (const key of KEYS) {
      const response = await fastify.inject({ url, headers: { authorization: `bearer ${key}` } });
      assert.notEqual(response.statusCode, 401, url);
    }
  }
  for (const url of ['/healthz', '/readyz']) {
    assert.equal((await fastify.inject({ url })).statusCode, 200);
  }
});

test('a caller without a key learns nothing: not of paths, bodies, or load', async (t) => {
  const { fastify } = await openApp(t, fakeRuntime(), { apiKeyHashes, maxInflight: 1, bodyLimitBytes: 10 });
  for (const request of [
    { method: 'PATCH', url: '/v1/collections' },
    { method: 'POST', url: '/v1/collections', payload: 'x'.repeat(1000) },
    { method: 'POST', url: '/v1/nothing', payload: '{' },
  ] as const) {
    assert.equal((await fastify.inject(request)).statusCode, 401);
  }
});

test('with keys any Host will do; without, only one of this machine', async (t) => {
  const keyed = await openApp(t, fakeRuntime(), { apiKeyHashes });
  const foreign = { host: 'evil.example:8080' };
  assert.equal((await keyed.fastify.inject({ url: '/healthz', headers: foreign })).statusCode, 200);

  const { fastify } = await openApp(t);
  for (const url of ['/healthz', '/v1/collections', '/docs', '/nothing']) {
    const response = await fastify.inject({ url, headers: foreign });
    assert.equal(response.statusCode, 400, url);
    assert.equal(problemSchema.parse(response.json()).field, 'host');
  }
});

test('Host headers of this machine', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1',
    '127.0.0.1:80',
    '127.1.2.3:80',
    '[::1]',
    '[::1]:8080',
  ]) {
    assert.ok(isLoopbackHostHeader(host), host);
  }
  for (const host of [
    undefined,
    '',
    'example.com',
    'localhost.example.com',
    '127.0.0.1.example.com',
    'localhost:80:80',
    'localhost@example.com',
    '10.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::2]:80',
    '2130706433',
  ]) {
    assert.ok(!isLoopbackHostHeader(host), String(host));
  }
});

test('without keys only a loopback address is bound', async () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    assert.match(await bindAddress({ host, apiKeyHashes: [] }), /^(?:127\.|::1$)/u);
  }
  for (const host of [
    '0.0.0.0',
    '::',
    '10.1.2.3',
    '169.254.0.1',
    '::ffff:10.0.0.1',
    'no-such-host.invalid',
    '',
  ]) {
    await assert.rejects(
      bindAddress({ host, apiKeyHashes: [] }),
      (error) => hasCode(error, 'invalid_config'),
      host,
    );
    assert.equal(await bindAddress({ host, apiKeyHashes }), host);
  }
});
