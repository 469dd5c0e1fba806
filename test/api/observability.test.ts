import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetrievalError } from '../../src/errors.js';
import { ANSWER, SUMMARY, fakeRuntime, openApp } from './support.js';

const SECRET = 'confidential';

test('the log has one line a request, without anything the caller wrote', async (t) => {
  const app = await openApp(
    t,
    fakeRuntime({
      catalog: {
        getDocument: () => Promise.reject(new RetrievalError('store_unavailable', 'No connection')),
      },
    }),
  );
  const { fastify } = app;
  const headers = { authorization: `Bearer ${SECRET}`, 'x-request-id': 'trace-1' };
  await fastify.inject({
    method: 'POST',
    url: `/v1/collections/handbook/query?${SECRET}`,
    headers,
    payload: { query: SECRET, filter: { dept: SECRET } },
  });
  await fastify.inject({ url: `/v1/collections/handbook/documents?filter={"dept":"${SECRET}"}`, headers });
  await fastify.inject({ url: `/v1/collections/handbook/documents/${SECRET}`, headers });
  await fastify.inject({ url: `/${SECRET}`, headers });
  await fastify.inject({ method: 'POST', url: '/v1/collections', headers, payload: { [SECRET]: SECRET } });
  await fastify.inject({
    method: 'POST',
    url: '/v1/collections',
    headers: { ...headers, 'content-type': 'application/json' },
    payload: `{"a": ${SECRET}}`,
  });
  assert.doesNotMatch(app.logText(), new RegExp(SECRET, 'u'));

  const lines = app.logs.filter(({ msg }) => msg === 'request');
  assert.deepEqual(
    lines.map(({ method, route, status, request_id }) => [method, route, status, request_id]),
    [
      ['POST', '/v1/collections/:name/query', 200, 'trace-1'],
      ['GET', '/v1/collections/:name/documents', 200, 'trace-1'],
      ['GET', '/v1/collections/:name/documents/:id', 503, 'trace-1'],
      ['GET', 'none', 404, 'trace-1'],
      ['POST', '/v1/collections', 400, 'trace-1'],
      ['POST', '/v1/collections', 400, 'trace-1'],
    ],
  );
  for (const line of lines) assert.equal(typeof line['ms'], 'number');
  const warnings = app.logs.filter(({ level }) => level === 40);
  assert.deepEqual(
    warnings.map((line) => line['error']),
    [{ name: 'RetrievalError', code: 'store_unavailable', message: 'No connection' }],
  );
});

test('a request id of the caller’s is used when it is safe, else one is made', async (t) => {
  const { fastify } = await openApp(t);
  const idOf = async (given?: string): Promise<unknown> =>
    (await fastify.inject({ url: '/healthz', headers: given === undefined ? {} : { 'x-request-id': given } }))
      .headers['x-request-id'];
  for (const safe of ['a', 'trace-1:2.3_4', 'x'.repeat(128)]) assert.equal(await idOf(safe), safe);
  for (const unsafe of [undefined, '', 'x'.repeat(129), 'a b', '<script>', 'ü', '{"a":1}']) {
    assert.match(String(await idOf(unsafe)), /^[\da-f]{8}-[\da-f-]{27}$/u);
  }
  assert.notEqual(await idOf(), await idOf());
});

test('the metrics count requests, stages, hits, and documents', async (t) => {
  let answer = ANSWER;
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      retrieve: () => Promise.resolve(answer),
      ingest: () =>
        Promise.resolve({
          ...SUMMARY,
          added: 3,
          changed: 2,
          unchanged: 5,
          embedded: 7,
          reused: 4,
          failed: [{ name: 'x', code: 'invalid_document', reason: 'no' }],
        }),
    }),
  );
  const query = { method: 'POST', url: '/v1/collections/handbook/query', payload: { query: 'x' } } as const;
  await fastify.inject(query);
  answer = { ...ANSWER, hits: [], mode: 'keyword' };
  await fastify.inject(query);
  await fastify.inject({ ...query, payload: {} });
  await fastify.inject({ url: '/nothing' });
  await fastify.inject({ url: '/healthz', headers: { host: 'evil.example' } });
  await fastify.inject({
    method: 'PUT',
    url: '/v1/collections/handbook/documents',
    payload: {
      documents: [
        { id: 'a', text: 'b' },
        { id: 'c', text: 'd' },
      ],
    },
  });
  const response = await fastify.inject('/metrics');
  assert.match(String(response.headers['content-type']), /^text\/plain; version=0\.0\.4/u);
  const lines = response.body.split('\n');
  for (const line of [
    'plumbline_http_request_duration_seconds_count{method="POST",route="/v1/collections/:name/query",status="200"} 2',
    'plumbline_http_request_duration_seconds_count{method="POST",route="/v1/collections/:name/query",status="400"} 1',
    'plumbline_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1',
    'plumbline_http_rejections_total{reason="foreign_host"} 1',
    'plumbline_queries_total{mode="hybrid"} 1',
    'plumbline_queries_total{mode="keyword"} 1',
    'plumbline_query_empty_results_total 1',
    'plumbline_query_hits_sum 1',
    'plumbline_query_stage_duration_seconds_count{stage="embed"} 2',
    'plumbline_query_stage_duration_seconds_sum{stage="legs"} 0.004',
    'plumbline_query_stage_duration_seconds_count{stage="complete"} 2',
    'plumbline_ingest_documents_total{outcome="added"} 3',
    'plumbline_ingest_documents_total{outcome="changed"} 2',
    'plumbline_ingest_documents_total{outcome="unchanged"} 5',
    'plumbline_ingest_documents_total{outcome="failed"} 1',
    'plumbline_ingest_chunks_total{vector="embedded"} 7',
    'plumbline_ingest_chunks_total{vector="reused"} 4',
    'plumbline_build_info{version="1.2.3"} 1',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(lines.some((line) => line.startsWith('process_cpu_seconds_total ')));
});
