import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { collectionListSchema, collectionSchema } from '../../src/api/schemas/collection.js';
import {
  countSchema,
  deletedSchema,
  documentListSchema,
  documentSchema,
  putSummarySchema,
} from '../../src/api/schemas/document.js';
import { problemSchema } from '../../src/api/schemas/problem.js';
import {
  capabilitiesSchema,
  embeddersSchema,
  healthSchema,
  readySchema,
} from '../../src/api/schemas/service.js';
import type { NewCollection } from '../../src/catalog/types.js';
import { RetrievalError } from '../../src/errors.js';
import type { SourceItem } from '../../src/ingest/types.js';
import { queryAnswerSchema } from '../../src/retrieval/schema.js';
import type { QueryRequest } from '../../src/retrieval/schema.js';
import { ANSWER, DESCRIPTION, DOCUMENT, SUMMARY, fakeRuntime, openApp } from './support.js';

test('every answer is as its schema says', async (t) => {
  const { fastify } = await openApp(t);
  const collection = '/v1/collections/handbook';
  const cases: readonly (readonly [string, string, number, z.ZodType, unknown?])[] = [
    ['GET', '/healthz', 200, healthSchema],
    ['GET', '/readyz', 200, readySchema],
    ['GET', '/v1/embedders', 200, embeddersSchema],
    ['GET', '/v1/stores/capabilities', 200, capabilitiesSchema],
    ['GET', '/v1/collections', 200, collectionListSchema],
    ['POST', '/v1/collections', 201, collectionSchema, { name: 'handbook', embedder: 'fake' }],
    ['GET', collection, 200, collectionSchema],
    ['PUT', `${collection}/documents`, 200, putSummarySchema, { documents: [{ id: 'a', text: 'words' }] }],
    ['GET', `${collection}/documents`, 200, documentListSchema],
    ['POST', `${collection}/documents/list`, 200, documentListSchema, {}],
    ['POST', `${collection}/documents/count`, 200, countSchema, {}],
    ['POST', `${collection}/documents/delete`, 200, deletedSchema, { filter: { dept: 'HR' } }],
    ['GET', `${collection}/documents/a`, 200, documentSchema],
    ['POST', `${collection}/query`, 200, queryAnswerSchema, { query: 'leave' }],
  ];
  for (const [method, url, status, schema, payload] of cases) {
    const response = await fastify.inject({
      method: method as 'GET',
      url,
      ...(payload === undefined ? {} : { payload: payload as object }),
    });
    assert.equal(response.statusCode, status, `${method} ${url}: ${response.body}`);
    assert.match(String(response.headers['content-type']), /^application\/json/u);
    // Strict schemas: nothing missing, nothing more.
    schema.parse(response.json());
  }
});

test('a collection is created from snake_case and answered in it', async (t) => {
  let given: NewCollection | undefined;
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      catalog: {
        createCollection: (input) => {
          given = input;
          return Promise.resolve(DESCRIPTION);
        },
      },
    }),
  );
  const response = await fastify.inject({
    method: 'POST',
    url: '/v1/collections',
    payload: {
      name: 'handbook',
      embedder: 'fake',
      fields: { dept: 'keyword' },
      field_mode: 'inferred',
      metric: 'l2',
      language: 'none',
      index: { kind: 'hnsw', ef_construction: 200 },
      chunker: { target_tokens: 200 },
    },
  });
  assert.equal(response.statusCode, 201);
  assert.equal(response.headers.location, '/v1/collections/handbook');
  assert.deepEqual(given, {
    name: 'handbook',
    embedder: 'fake',
    fields: { dept: 'keyword' },
    fieldMode: 'inferred',
    metric: 'l2',
    language: 'none',
    index: { kind: 'hnsw', m: 16, efConstruction: 200, buildAfter: 20_000 },
    chunker: { targetTokens: 200 },
  });
  const { generation } = collectionSchema.parse(response.json());
  assert.equal(generation.pin.query_prefix, 'query: ');
  assert.equal(generation.pin.tokenizer_sha256, 'ab'.repeat(32));
  assert.deepEqual(generation.index, { kind: 'hnsw', m: 16, ef_construction: 128, build_after: 20_000 });
});

test('documents reach ingest as they were put, text unless a format is named', async (t) => {
  const items: SourceItem[] = [];
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      ingest: async (_name, source) => {
        for await (const item of source.items()) items.push(item);
        return SUMMARY;
      },
    }),
  );
  await fastify.inject({
    method: 'PUT',
    url: '/v1/collections/handbook/documents',
    payload: {
      documents: [
        { id: 'one', text: 'plain' },
        {
          id: 'two',
          text: '# T',
          format: 'markdown',
          title: 'Two',
          source: 'two.md',
          metadata: { a: { b: [1, null] } },
        },
      ],
    },
  });
  assert.deepEqual(items, [
    { kind: 'document', document: { id: 'one', format: 'text', content: 'plain', metadata: {} } },
    {
      kind: 'document',
      document: {
        id: 'two',
        format: 'markdown',
        content: '# T',
        title: 'Two',
        source: 'two.md',
        metadata: { a: { b: [1, null] } },
      },
    },
  ]);
});

test('a put tells which documents were not taken; when none was, it is the first one’s problem', async (t) => {
  const failed = [
    { name: 'bad', code: 'field_type_conflict' as const, reason: 'metadata.dept is not a keyword' },
    { name: 'worse', code: 'invalid_document' as const, reason: 'The id is not valid' },
  ];
  const { fastify } = await openApp(
    t,
    fakeRuntime({ ingest: () => Promise.resolve({ ...SUMMARY, added: 0, failed }) }),
  );
  const put = async (ids: readonly string[]): Promise<Awaited<ReturnType<typeof fastify.inject>>> =>
    fastify.inject({
      method: 'PUT',
      url: '/v1/collections/handbook/documents',
      payload: { documents: ids.map((id) => ({ id, text: 'words' })) },
    });
  const some = await put(['bad', 'worse', 'good']);
  assert.equal(some.statusCode, 200);
  assert.deepEqual(putSummarySchema.parse(some.json()).failed, [
    { id: 'bad', code: 'field_type_conflict', reason: 'metadata.dept is not a keyword' },
    { id: 'worse', code: 'invalid_document', reason: 'The id is not valid' },
  ]);
  const none = await put(['bad', 'worse']);
  assert.equal(none.statusCode, 400);
  const problem = problemSchema.parse(none.json());
  assert.equal(problem.code, 'field_type_conflict');
  assert.match(problem.detail, /None of the 2 documents/u);
  assert.equal((problem.details?.['failed'] as unknown[]).length, 2);
});

test('a document id may hold anything that a URL can encode', async (t) => {
  const asked: string[] = [];
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      catalog: {
        getDocument: (_collection, id) => {
          asked.push(id);
          return Promise.resolve(DOCUMENT);
        },
        deleteDocument: (_collection, id) => {
          asked.push(id);
          return Promise.resolve();
        },
      },
    }),
  );
  const ids = [
    'a/b',
    '100%',
    '%2F',
    'a b?c#d&e',
    'ümläut/日本',
    'list',
    'count',
    'delete',
    'x'.repeat(1024),
    '日'.repeat(1024),
  ];
  for (const id of ids) {
    const url = `/v1/collections/handbook/documents/${encodeURIComponent(id)}`;
    assert.equal((await fastify.inject({ method: 'GET', url })).statusCode, 200, id);
    assert.equal((await fastify.inject({ method: 'DELETE', url })).statusCode, 204, id);
  }
  assert.deepEqual(
    asked,
    ids.flatMap((id) => [id, id]),
  );
});

test('a listing takes its filter from the query string or the body', async (t) => {
  const asked: unknown[] = [];
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      catalog: {
        listDocuments: (_name, query) => {
          asked.push(query);
          return Promise.resolve({ items: [], next: 'z' });
        },
      },
    }),
  );
  const url = '/v1/collections/handbook/documents';
  const filter = { dept: 'HR', n: { $gte: 2 } };
  const query = new URLSearchParams({ filter: JSON.stringify(filter), limit: '7', after: 'k' });
  const page = await fastify.inject({ method: 'GET', url: `${url}?${query.toString()}` });
  assert.deepEqual(page.json(), { documents: [], next: 'z' });
  await fastify.inject({ method: 'POST', url: `${url}/list`, payload: { filter, limit: 7, after: 'k' } });
  await fastify.inject({ method: 'GET', url });
  assert.deepEqual(asked, [
    { filter, limit: 7, after: 'k' },
    { filter, limit: 7, after: 'k' },
    { limit: 100 },
  ]);

  for (const [bad, field] of [
    ['filter=%7Bsecret', 'filter'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=x', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['limt=1', 'limt'],
  ] as const) {
    const response = await fastify.inject({ method: 'GET', url: `${url}?${bad}` });
    assert.equal(response.statusCode, 400, bad);
    assert.equal(problemSchema.parse(response.json()).field, field);
    assert.doesNotMatch(response.body, /secret/u);
  }
});

test('a delete names ids or a filter, never both or neither', async (t) => {
  const deleted: string[] = [];
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      catalog: {
        deleteDocument: (_collection, id) => {
          if (id === 'gone') return Promise.reject(new RetrievalError('document_not_found', 'no'));
          deleted.push(id);
          return Promise.resolve();
        },
        deleteByFilter: () => Promise.reject(new RetrievalError('invalid_filter', 'matches everything')),
      },
    }),
  );
  const url = '/v1/collections/handbook/documents/delete';
  const send = async (payload: object): Promise<readonly [number, unknown]> => {
    const response = await fastify.inject({ method: 'POST', url, payload });
    return [response.statusCode, response.json()];
  };
  assert.deepEqual(await send({ ids: ['a', 'gone', 'a', 'b/c'] }), [200, { deleted: 2 }]);
  assert.deepEqual(deleted, ['a', 'b/c']);
  for (const bad of [{}, { ids: [] }, { ids: ['a'], filter: { x: 1 } }, { filter: {} }]) {
    assert.equal((await send(bad))[0], 400, JSON.stringify(bad));
  }
});

test('a query reaches the runtime with its defaults filled in', async (t) => {
  let asked: QueryRequest | undefined;
  const { fastify } = await openApp(
    t,
    fakeRuntime({
      retrieve: (_name, request) => {
        asked = request;
        return Promise.resolve(ANSWER);
      },
    }),
  );
  const response = await fastify.inject({
    method: 'POST',
    url: '/v1/collections/handbook/query',
    payload: { query: ' leave ', filter: { dept: { $in: ['HR'] } } },
  });
  assert.deepEqual(response.json(), ANSWER);
  assert.equal(asked?.query, 'leave');
  assert.equal(asked.mode, 'hybrid');
  assert.equal(asked.top_k, 10);
  assert.deepEqual(asked.filter, { dept: { $in: ['HR'] } });
});

test('the root leads to the reference page', async (t) => {
  const { fastify } = await openApp(t);
  const response = await fastify.inject('/');
  assert.equal(response.statusCode, 302);
  assert.equal(response.headers.location, '/docs');
});
