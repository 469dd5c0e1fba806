import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PROBLEM_TYPE, problemSchema } from '../../src/api/schemas/problem.js';
import type { Problem } from '../../src/api/schemas/problem.js';
import { ERRORS, RetrievalError } from '../../src/errors.js';
import type { ErrorCode } from '../../src/errors.js';
import { assertSamePin } from '../../src/pin.js';
import { ANSWER, CONFIG, DESCRIPTION, fakeRuntime, openApp } from './support.js';
import type { TestApp } from './support.js';

const QUERY_URL = '/v1/collections/handbook/query';
type Response = Awaited<ReturnType<TestApp['fastify']['inject']>>;

function problemOf(response: Response): Problem {
  assert.equal(response.headers['content-type'], `${PROBLEM_TYPE}; charset=utf-8`);
  const problem = problemSchema.parse(response.json());
  assert.equal(problem.status, response.statusCode);
  assert.equal(problem.request_id, response.headers['x-request-id']);
  return problem;
}

test('every code of the table is answered with its status, as a problem', async (t) => {
  let thrown = new RetrievalError('internal', '');
  const { fastify } = await openApp(t, fakeRuntime({ retrieve: () => Promise.reject(thrown) }));
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    thrown = new RetrievalError(code, `About ${code}`, { field: 'filter.a', details: { limit: 3 } });
    const response = await fastify.inject({ method: 'POST', url: QUERY_URL, payload: { query: 'x' } });
    const problem = problemOf(response);
    assert.equal(response.statusCode, ERRORS[code].status, code);
    assert.equal(problem.code, code);
    assert.equal(problem.type, `urn:plumbline:error:${code}`);
    assert.equal(problem.title, ERRORS[code].title);
    assert.equal(problem.retryable, ERRORS[code].retryable);
    assert.equal(problem.instance, QUERY_URL);
    assert.equal(problem.field, 'filter.a');
    if (code !== 'internal') {
      assert.equal(problem.detail, `About ${code}`);
      assert.deepEqual(problem.details, { limit: 3 });
    }
    const waits = [503, 429].includes(response.statusCode);
    assert.equal(/^[1-9]\d*$/u.test(String(response.headers['retry-after'])), waits, code);
  }
});

test('what breaks inside is not told to the caller, and only its place to the log', async (t) => {
  const secret = 'the text of a confidential document';
  const failures: readonly unknown[] = [
    new Error(secret),
    new SyntaxError(`Unexpected token: ${secret}`),
    new RetrievalError('internal', 'An unexpected error', {
      cause: new Error(secret, { cause: new Error(secret) }),
    }),
    new RetrievalError('store_error', 'The store refused a statement', { cause: new Error(secret) }),
    Object.assign(new Error(secret), { code: '23505', detail: secret, query: secret }),
    { secret },
  ];
  for (const failure of failures) {
    const app = await openApp(
      t,
      fakeRuntime({
        retrieve: async () => {
          throw failure;
        },
      }),
    );
    const response = await app.fastify.inject({ method: 'POST', url: QUERY_URL, payload: { query: secret } });
    assert.equal(response.statusCode, 500);
    assert.doesNotMatch(response.body, /confidential/u);
    assert.doesNotMatch(app.logText(), /confidential/u);
    const line = app.logs.find(({ msg }) => msg === 'request failed');
    assert.ok(line !== undefined);
    assert.equal(line['request_id'], response.headers['x-request-id']);
    assert.equal(line['level'], 50);
    if (failure instanceof Error) assert.match(JSON.stringify(line['error']), /errors\.test/u);
  }
});

test('a model mismatch names both pins in the wire’s names', async (t) => {
  const { pin } = DESCRIPTION.generation;
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      retrieve: () => {
        assertSamePin('handbook', pin, { ...pin, weightsSha256: 'cd'.repeat(32), queryPrefix: '' });
        return Promise.resolve(ANSWER);
      },
    }),
  );
  const response = await fastify.inject({ method: 'POST', url: QUERY_URL, payload: { query: 'x' } });
  const problem = problemOf(response);
  assert.equal(response.statusCode, 409);
  const details = problem.details as {
    readonly differing: readonly string[];
    readonly pinned: { readonly pin: Readonly<Record<string, unknown>> };
    readonly given: { readonly pin: Readonly<Record<string, unknown>> };
  };
  assert.deepEqual([...details.differing].sort(), ['query_prefix', 'weights_sha256']);
  assert.equal(details.pinned.pin['query_prefix'], 'query: ');
  assert.equal(details.given.pin['weights_sha256'], 'cd'.repeat(32));
  assert.equal(details.pinned.pin['tokenizer_sha256'], 'ab'.repeat(32));
});

test('an unknown path is 404, a known one with another method 405 with Allow', async (t) => {
  const { fastify } = await openApp(t);
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['GET', '/v1/nothing', undefined],
    ['GET', '/v1/collections/a/b/c', undefined],
    ['GET', '/docs/static/nothing.js', undefined],
    ['PATCH', '/v1/collections', 'GET, HEAD, POST'],
    ['PUT', '/v1/collections/a', 'DELETE, GET, HEAD'],
    ['GET', QUERY_URL, 'POST'],
    ['OPTIONS', QUERY_URL, 'POST'],
    ['POST', '/v1/collections/a/documents', 'GET, HEAD, PUT'],
    ['PUT', '/v1/collections/a/documents/list', 'DELETE, GET, HEAD, POST'],
    ['POST', '/v1/collections/a/documents/x', 'DELETE, GET, HEAD'],
    ['DELETE', '/healthz', 'GET, HEAD'],
  ];
  for (const [method, url, allow] of cases) {
    // The body is not JSON: whether the path exists is said first.
    const response = await fastify.inject({ method: method as 'GET', url, payload: 'x' });
    assert.equal(response.statusCode, allow === undefined ? 404 : 405, `${method} ${url}`);
    assert.equal(response.headers.allow, allow, `${method} ${url}`);
    assert.equal(problemOf(response).code, allow === undefined ? 'not_found' : 'method_not_allowed');
    assert.equal(response.headers['access-control-allow-origin'], undefined);
  }
});

test('what Fastify refuses is a problem of ours', async (t) => {
  const { fastify } = await openApp(t);
  const json = { 'content-type': 'application/json' };
  const url = '/v1/collections/a/documents/count';
  const cases: readonly (readonly [object, ErrorCode, string | undefined])[] = [
    [
      {
        method: 'POST',
        url,
        payload: 'a=1',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      'unsupported_media_type',
      'content-type',
    ],
    [
      { method: 'POST', url, payload: '{}', headers: { 'content-type': 'text/plain' } },
      'unsupported_media_type',
      'content-type',
    ],
    [
      { method: 'POST', url, payload: '{}', headers: { 'content-type': '' } },
      'unsupported_media_type',
      'content-type',
    ],
    [{ method: 'POST', url, payload: '{"a', headers: json }, 'invalid_request', 'body'],
    [{ method: 'POST', url, payload: '', headers: json }, 'invalid_request', 'body'],
    [{ method: 'POST', url }, 'invalid_request', 'body'],
    [{ method: 'POST', url, payload: '[]', headers: json }, 'invalid_request', 'body'],
    [
      { method: 'POST', url, payload: '{"filter":{"__proto__":{"a":1}}}', headers: json },
      'invalid_request',
      'body',
    ],
    [
      { method: 'POST', url, payload: '{"filter":{"constructor":{"prototype":1}}}', headers: json },
      'invalid_request',
      'body',
    ],
    [
      {
        method: 'POST',
        url,
        payload: `{"filter":${'{"$not":'.repeat(200)}{}${'}'.repeat(201)}`,
        headers: json,
      },
      'invalid_request',
      'body',
    ],
    [{ method: 'POST', url, payload: '['.repeat(60_000), headers: json }, 'invalid_request', 'body'],
    [
      { method: 'POST', url, payload: '{"filter":{"a":1e999}}', headers: json },
      'invalid_request',
      'filter.a',
    ],
    [
      { method: 'POST', url, payload: `{"filter":"${'x'.repeat(CONFIG.bodyLimitBytes)}"}`, headers: json },
      'payload_too_large',
      undefined,
    ],
    [{ method: 'GET', url: '/v1/collections/%zz' }, 'invalid_request', undefined],
    [
      { method: 'GET', url: `/v1/collections/a/documents/${'x'.repeat(20_000)}` },
      'invalid_request',
      undefined,
    ],
  ];
  for (const [request, code, field] of cases) {
    const response = await fastify.inject(request);
    const problem = problemOf(response);
    assert.equal(problem.code, code, JSON.stringify(request).slice(0, 200));
    assert.equal(problem.field, field);
  }
});

test('a body that is too large is told the limit', async (t) => {
  const { fastify } = await openApp(t, fakeRuntime(), { bodyLimitBytes: 100 });
  const response = await fastify.inject({
    method: 'POST',
    url: QUERY_URL,
    payload: { query: 'x'.repeat(100) },
  });
  const problem = problemOf(response);
  assert.equal(response.statusCode, 413);
  assert.match(problem.detail, /100 bytes/u);
  assert.deepEqual(problem.details, { limit_bytes: 100 });
});

test('every part that does not validate is named, unknown keys too, and no value is repeated', async (t) => {
  const { fastify } = await openApp(t);
  const response = await fastify.inject({
    method: 'PUT',
    url: '/v1/collections/handbook/documents',
    payload: {
      documents: [
        { id: '', text: 'fine', colour: 'confidential' },
        { id: 'b', text: 7, format: 'confidential' },
      ],
      prune: true,
    },
  });
  const problem = problemOf(response);
  assert.equal(response.statusCode, 400);
  assert.deepEqual(
    problem.errors?.map(({ field }) => field),
    ['documents[0].id', 'documents[0].colour', 'documents[1].text', 'documents[1].format', 'prune'],
  );
  assert.equal(problem.field, 'documents[0].id');
  assert.doesNotMatch(response.body, /confidential/u);
});

test('a hostile key makes no long answer', async (t) => {
  const { fastify } = await openApp(t);
  const payload = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => ['k'.repeat(1000) + String(index), 1]),
  );
  const response = await fastify.inject({ method: 'POST', url: QUERY_URL, payload });
  assert.equal(response.statusCode, 400);
  assert.ok(response.body.length < 10_000, String(response.body.length));
});

test('no JSON makes the service fail', async (t) => {
  const { fastify } = await openApp(t);
  const routes = [
    ['POST', '/v1/collections'],
    ['PUT', '/v1/collections/handbook/documents'],
    ['POST', '/v1/collections/handbook/documents/list'],
    ['POST', '/v1/collections/handbook/documents/count'],
    ['POST', '/v1/collections/handbook/documents/delete'],
    ['POST', QUERY_URL],
  ] as const;
  const keys = fc.constantFrom(
    'query',
    'filter',
    'documents',
    'ids',
    'name',
    'embedder',
    'index',
    'fusion',
    'recency',
    'top_k',
  );
  const body = fc.oneof(
    fc.json(),
    fc.dictionary(keys, fc.jsonValue({ maxDepth: 5 })).map((value) => JSON.stringify(value)),
    fc
      .record({
        documents: fc.array(
          fc.record({
            id: fc.string({ unit: 'binary' }),
            text: fc.string({ unit: 'binary' }),
            metadata: fc.jsonValue(),
          }),
        ),
      })
      .map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), body, async ([method, url], payload) => {
      const response = await fastify.inject({
        method,
        url,
        payload,
        headers: { 'content-type': 'application/json' },
      });
      assert.ok(response.statusCode < 500, `${method} ${url} ${response.body}`);
      if (response.statusCode >= 400) problemOf(response);
    }),
    { seed: 20_240_501, numRuns: 600 },
  );
});
