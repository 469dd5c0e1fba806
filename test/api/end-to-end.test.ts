/** The API over the real runtime with the memory store; only the model is a small one of our own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { problemSchema } from '../../src/api/schemas/problem.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import { queryAnswerSchema } from '../../src/retrieval/schema.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { openApp } from './support.js';

type Send = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: object,
) => Promise<{ readonly status: number; readonly body: unknown }>;

async function openService(t: TestContext): Promise<Send> {
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: () => Promise.resolve(createFakeEmbedder()),
    embedders: ['fake'],
  });
  const { fastify } = await openApp(t, runtime, { bodyLimitBytes: 1_000_000 });
  t.after(() => runtime.close());
  return async (method, url, payload) => {
    const response = await fastify.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    return { status: response.statusCode, body: response.body === '' ? null : response.json<unknown>() };
  };
}

const HANDBOOK = '/v1/collections/handbook';
const DOCUMENTS = [
  {
    id: 'hr/leave',
    format: 'markdown',
    text: '# Leave\n\nEveryone has thirty days of leave a year.\n\n## Sick leave\n\nCall before nine in the morning.\n',
    source: 'hr/leave.md',
    metadata: { dept: 'HR', published_at: '2024-05-01' },
  },
  {
    id: 'legal/retention',
    text: 'Invoices are kept for ten years. Letters are kept for six years.',
    title: 'Retention',
    metadata: { dept: 'Legal', published_at: '2023-01-01' },
  },
];

async function fill(send: Send): Promise<void> {
  const created = await send('POST', '/v1/collections', {
    name: 'handbook',
    embedder: 'fake',
    fields: { dept: 'keyword', published_at: 'date' },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const put = await send('PUT', `${HANDBOOK}/documents`, { documents: DOCUMENTS });
  assert.equal(put.status, 200, JSON.stringify(put.body));
  assert.equal((put.body as { added: number }).added, 2);
}

test('a collection’s whole life', async (t) => {
  const send = await openService(t);
  await fill(send);
  assert.equal((await send('POST', '/v1/collections', { name: 'handbook', embedder: 'fake' })).status, 409);

  const again = await send('PUT', `${HANDBOOK}/documents`, { documents: DOCUMENTS });
  const summary = again.body as { unchanged: number; embedded: number };
  assert.deepEqual([summary.unchanged, summary.embedded], [2, 0]);

  const asked = await send('POST', `${HANDBOOK}/query`, {
    query: 'how many days of leave',
    filter: { dept: 'HR' },
    explain: true,
  });
  const answer = queryAnswerSchema.parse(asked.body);
  assert.equal(answer.hits[0]?.document_id, 'hr/leave');
  assert.ok(answer.hits.every(({ metadata }) => metadata['dept'] === 'HR'));

  const got = await send('GET', `${HANDBOOK}/documents/${encodeURIComponent('hr/leave')}`);
  const document = got.body as {
    title: string;
    text: string;
    chunks: { start: number; end: number; text: string }[];
  };
  assert.equal(document.title, 'Leave');
  for (const { start, end, text } of document.chunks) assert.equal(document.text.slice(start, end), text);

  const first = (await send('GET', `${HANDBOOK}/documents?limit=1`)).body as {
    documents: { id: string }[];
    next: string;
  };
  const second = (await send('GET', `${HANDBOOK}/documents?limit=1&after=${encodeURIComponent(first.next)}`))
    .body as typeof first;
  assert.deepEqual([first.documents[0]?.id, second.documents[0]?.id], ['hr/leave', 'legal/retention']);

  const filter = { published_at: { $gte: '2024-01-01' } };
  assert.deepEqual((await send('POST', `${HANDBOOK}/documents/count`, { filter })).body, { count: 1 });
  assert.equal((await send('POST', `${HANDBOOK}/documents/delete`, { filter: {} })).status, 400);
  assert.deepEqual((await send('POST', `${HANDBOOK}/documents/delete`, { filter })).body, { deleted: 1 });
  assert.equal((await send('DELETE', `${HANDBOOK}/documents/legal%2Fretention`)).status, 204);
  assert.equal((await send('DELETE', `${HANDBOOK}/documents/legal%2Fretention`)).status, 404);
  assert.deepEqual((await send('POST', `${HANDBOOK}/documents/count`, {})).body, { count: 0 });
  assert.equal((await send('DELETE', HANDBOOK)).status, 204);
  assert.deepEqual((await send('GET', '/v1/collections')).body, { collections: [] });
});

test('what the runtime refuses arrives with its code and field', async (t) => {
  const send = await openService(t);
  await fill(send);
  const query = { query: 'leave' };
  const cases: readonly (readonly [Parameters<Send>, number, string, string | undefined])[] = [
    [['GET', '/v1/collections/nothing'], 404, 'collection_not_found', 'name'],
    [['GET', '/v1/collections/Not%20A%20Name'], 400, 'invalid_collection_name', 'name'],
    [['POST', '/v1/collections/nothing/query', query], 404, 'collection_not_found', 'name'],
    [
      ['PUT', '/v1/collections/nothing/documents', { documents: DOCUMENTS }],
      404,
      'collection_not_found',
      'name',
    ],
    [['GET', `${HANDBOOK}/documents/nothing`], 404, 'document_not_found', 'id'],
    [['POST', `${HANDBOOK}/query`, { ...query, filter: { nope: 1 } }], 400, 'unknown_field', 'filter.nope'],
    [
      ['POST', `${HANDBOOK}/query`, { ...query, filter: { dept: { $near: 1 } } }],
      400,
      'invalid_filter',
      'filter.dept.$near',
    ],
    [
      ['POST', `${HANDBOOK}/query`, { ...query, model_version: 'other@1' }],
      409,
      'model_mismatch',
      'model_version',
    ],
    [['POST', `${HANDBOOK}/query`, { ...query, offset: 1000 }], 400, 'invalid_request', 'candidates'],
    [
      ['PUT', `${HANDBOOK}/documents`, { documents: [{ id: 'x', text: 'y', metadata: { dept: 7 } }] }],
      400,
      'field_type_conflict',
      'documents',
    ],
    [
      ['POST', '/v1/collections', { name: 'other', embedder: 'fake', chunker: { target_tokens: 1 } }],
      400,
      'invalid_request',
      'chunker.target_tokens',
    ],
  ];
  for (const [request, status, code, field] of cases) {
    const response = await send(...request);
    assert.equal(response.status, status, JSON.stringify(response.body));
    const problem = problemSchema.parse(response.body);
    assert.equal(problem.code, code);
    assert.equal(problem.field, field);
  }
});

test('no document, filter or id makes the service fail', async (t) => {
  const send = await openService(t);
  await fill(send);
  const text = fc.string({ unit: 'binary' });
  const filter = fc.oneof(
    fc.dictionary(
      fc.constantFrom('dept', 'published_at', '$and', '$or', '$not', 'nope'),
      fc.jsonValue({ maxDepth: 4 }),
    ),
    fc.record({
      dept: fc.dictionary(
        fc.constantFrom('$eq', '$in', '$gt', '$exists', '$not', '$x'),
        fc.jsonValue({ maxDepth: 2 }),
      ),
    }),
  );
  const request: fc.Arbitrary<Parameters<Send>> = fc.oneof(
    fc.tuple(
      fc.constant('PUT' as const),
      fc.constant(`${HANDBOOK}/documents`),
      fc.record({
        documents: fc.array(
          fc.record(
            {
              id: text,
              text,
              format: fc.constantFrom('text', 'markdown', 'html'),
              metadata: fc.dictionary(
                fc.oneof(fc.constantFrom('dept', 'published_at'), text),
                fc.jsonValue({ maxDepth: 3 }),
              ),
            },
            { requiredKeys: ['id', 'text'] },
          ),
          { maxLength: 3 },
        ),
      }),
    ),
    fc.tuple(
      fc.constant('POST' as const),
      fc.constantFrom('query', 'documents/list', 'documents/count').map((name) => `${HANDBOOK}/${name}`),
      fc.oneof(fc.record({ filter }), fc.record({ filter, query: text })),
    ),
    fc.tuple(
      fc.constantFrom('GET' as const, 'DELETE' as const),
      text.filter((id) => id.isWellFormed()).map((id) => `${HANDBOOK}/documents/${encodeURIComponent(id)}`),
    ),
  );
  await fc.assert(
    fc.asyncProperty(request, async ([method, url, payload]) => {
      const { status, body } = await send(method, url, payload);
      assert.ok(status < 500, JSON.stringify(body));
    }),
    { seed: 20_240_502, numRuns: 400 },
  );
});
