import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { problemSchema } from '../../src/api/schemas/problem.js';
import { ERRORS } from '../../src/errors.js';
import { queryAnswerSchema } from '../../src/retrieval/schema.js';
import { openApp } from './support.js';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly requestBody?: unknown;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, { readonly schema: object }>>;
      }
    >
  >;
}

interface OpenApi {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly security?: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const ROUTES = {
  createCollection: 'POST /v1/collections',
  listCollections: 'GET /v1/collections',
  getCollection: 'GET /v1/collections/{name}',
  deleteCollection: 'DELETE /v1/collections/{name}',
  putDocuments: 'PUT /v1/collections/{name}/documents',
  listDocuments: 'GET /v1/collections/{name}/documents',
  listDocumentsByFilter: 'POST /v1/collections/{name}/documents/list',
  listGenerations: 'GET /v1/collections/{name}/generations',
  createGeneration: 'POST /v1/collections/{name}/generations',
  buildGeneration: 'POST /v1/collections/{name}/generations/{generation}/build',
  activateGeneration: 'POST /v1/collections/{name}/generations/{generation}/activate',
  runGate: 'POST /v1/collections/{name}/generations/{generation}/gate',
  getGate: 'GET /v1/collections/{name}/generations/{generation}/gate',
  listEvalSets: 'GET /v1/collections/{name}/evalsets',
  putEvalSet: 'PUT /v1/collections/{name}/evalsets/{set}',
  getEvalSet: 'GET /v1/collections/{name}/evalsets/{set}',
  deleteEvalSet: 'DELETE /v1/collections/{name}/evalsets/{set}',
  deleteGeneration: 'DELETE /v1/collections/{name}/generations/{generation}',
  rollback: 'POST /v1/collections/{name}/rollback',
  history: 'GET /v1/collections/{name}/history',
  why: 'POST /v1/collections/{name}/why',
  countDocuments: 'POST /v1/collections/{name}/documents/count',
  deleteDocuments: 'POST /v1/collections/{name}/documents/delete',
  getDocument: 'GET /v1/collections/{name}/documents/{id}',
  deleteDocument: 'DELETE /v1/collections/{name}/documents/{id}',
  query: 'POST /v1/collections/{name}/query',
  answer: 'POST /v1/collections/{name}/answer',
  listEmbedders: 'GET /v1/embedders',
  health: 'GET /healthz',
  ready: 'GET /readyz',
  storeCapabilities: 'GET /v1/stores/capabilities',
  metrics: 'GET /metrics',
};

test('the document is valid OpenAPI 3.1, and every route is in it whole', async (t) => {
  const { fastify } = await openApp(t);
  const response = await fastify.inject('/openapi.json');
  assert.match(String(response.headers['content-type']), /^application\/json/u);
  const result = await new Validator().validate(response.json());
  assert.ok(result.valid, JSON.stringify(result.errors));

  const document: OpenApi = response.json();
  assert.equal(document.openapi, '3.1.0');
  assert.equal(document.security, undefined);
  const found = new Map<string, string>();
  const tags = document.tags.map(({ name }) => name);
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const label = `${method.toUpperCase()} ${path}`;
      found.set(operation.operationId, label);
      assert.ok(operation.summary.length > 10, label);
      assert.ok(operation.tags.every((tag) => tags.includes(tag)) && operation.tags.length === 1, label);
      assert.equal(operation.requestBody !== undefined, method === 'post' || method === 'put', label);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      assert.deepEqual(
        inPath.map(({ name }) => `{${name}}`).sort(),
        (path.match(/\{\w+\}/gu) ?? []).sort(),
        label,
      );
      for (const [status, { description, content }] of Object.entries(operation.responses)) {
        assert.notEqual(description, 'Default Response', `${label} ${status}`);
        if (status === '204') continue;
        const types = Object.keys(content ?? {});
        // An answer may also come as events.
        const isEither = operation.operationId === 'answer' && status === '200';
        assert.equal(types.length, isEither ? 2 : 1, `${label} ${status}`);
        if (Number(status) >= 400)
          assert.deepEqual(types, ['application/problem+json'], `${label} ${status}`);
      }
    }
  }
  assert.deepEqual(Object.fromEntries([...found].sort()), Object.fromEntries(Object.entries(ROUTES).sort()));
});

test('every reference leads somewhere, and every component is used', async (t) => {
  const { fastify } = await openApp(t);
  const { body } = await fastify.inject('/openapi.json');
  const document = JSON.parse(body) as OpenApi;
  const refs = [...body.matchAll(/"\$ref":"([^"]*)"/gu)].map(([, ref]) => ref ?? '');
  const names = new Set(refs.map((ref) => ref.replace('#/components/schemas/', '')));
  assert.deepEqual([...names].sort(), Object.keys(document.components.schemas).sort());
  assert.ok(names.has('QueryRequest') && names.has('QueryAnswer') && names.has('Problem'));
});

test('examples of bodies are themselves accepted', async (t) => {
  const { fastify } = await openApp(t);
  const { schemas } = (await fastify.inject('/openapi.json')).json<OpenApi>().components;
  const urls = {
    QueryRequest: ['POST', '/v1/collections/handbook/query'],
    NewCollection: ['POST', '/v1/collections'],
    PutDocuments: ['PUT', '/v1/collections/handbook/documents'],
    ListDocuments: ['POST', '/v1/collections/handbook/documents/list'],
    CountDocuments: ['POST', '/v1/collections/handbook/documents/count'],
    DeleteDocuments: ['POST', '/v1/collections/handbook/documents/delete'],
  } as const;
  for (const [name, [method, url]] of Object.entries(urls)) {
    const { examples } = schemas[name] as { readonly examples: readonly object[] };
    assert.ok(examples.length > 0);
    for (const payload of examples) {
      const response = await fastify.inject({ method, url, payload });
      assert.ok(response.statusCode < 300, `${name}: ${response.body}`);
    }
  }
});

test('the example of an answer is as its schema says', async (t) => {
  const { fastify } = await openApp(t);
  const { schemas } = (await fastify.inject('/openapi.json')).json<OpenApi>().components;
  const { examples } = schemas['QueryAnswer'] as { readonly examples: readonly unknown[] };
  assert.ok(examples.length > 0);
  for (const example of examples) queryAnswerSchema.parse(example);
});

test('the example of every problem is one of its status', async (t) => {
  const { fastify } = await openApp(t);
  const { paths } = (await fastify.inject('/openapi.json')).json<OpenApi>();
  let examples = 0;
  for (const operation of Object.values(paths).flatMap((operations) => Object.values(operations))) {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      const problem = content?.['application/problem+json'] as { readonly example?: unknown } | undefined;
      if (problem === undefined) continue;
      assert.equal(problemSchema.parse(problem.example).status, Number(status));
      examples += 1;
    }
  }
  assert.ok(examples > 50);
});

test('the codes a caller can meet are named, and each is of the table', async (t) => {
  const { fastify } = await openApp(t);
  const { paths } = (await fastify.inject('/openapi.json')).json<OpenApi>();
  const named = new Set<string>();
  for (const operation of Object.values(paths).flatMap((operations) => Object.values(operations))) {
    for (const { description } of Object.values(operation.responses)) {
      for (const [, code = ''] of description.matchAll(/`([a-z_]+)`: /gu)) named.add(code);
    }
  }
  for (const code of named) assert.ok(Object.hasOwn(ERRORS, code), code);
  // Not met over HTTP, or not documented by route.
  const elsewhere = new Set([
    'cancelled',
    'data_folder_in_use',
    'invalid_config',
    'invalid_data_set',
    'method_not_allowed',
    'not_found',
    'prune_refused',
    'schema_too_new',
    'source_denied',
    'source_unavailable',
  ]);
  assert.deepEqual(
    Object.keys(ERRORS).filter((code) => !named.has(code) && !elsewhere.has(code)),
    [],
  );
});

test('with keys the document says that one is needed, but not for probes', async (t) => {
  const { fastify } = await openApp(t, undefined, { apiKeyHashes: ['0'.repeat(64)] });
  const document = fastify.swagger() as unknown as OpenApi;
  assert.deepEqual(document.security, [{ apiKey: [] }]);
  assert.deepEqual((document.paths['/healthz']?.['get'] as { security?: unknown }).security, []);
});

test('the reference page and all it loads come from here', async (t) => {
  const { fastify } = await openApp(t);
  const page = await fastify.inject('/docs');
  assert.equal(page.statusCode, 200);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/u);
  const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/gu)].map(([, link]) => link ?? '');
  assert.ok(links.length >= 5);
  for (const link of links) {
    assert.match(link, /^\/docs\/static\//u);
    assert.equal((await fastify.inject(link)).statusCode, 200, link);
  }
});
