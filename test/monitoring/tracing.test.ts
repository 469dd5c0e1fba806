import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, test } from 'node:test';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { loadConfig } from '../../src/config.js';
import { hasCode } from '../../src/errors.js';
import { readTracing } from '../../src/otel-settings.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { readDoc, tableUnder } from '../docs/markdown.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

const spanSchema = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/u),
  spanId: z.string().regex(/^[0-9a-f]{16}$/u),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) })),
  status: z.object({ code: z.number().optional() }),
});
const bodySchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({
        attributes: z.array(z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) })),
      }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});
type Span = z.infer<typeof spanSchema>;

interface Collector {
  readonly url: string;
  readonly bodies: string[];
  readonly requests: { readonly url: string | undefined; readonly token: string | undefined }[];
  spans(): readonly Span[];
}

/** Takes OTLP over HTTP, as a collector does. */
async function startCollector(t: TestContext): Promise<Collector> {
  const bodies: string[] = [];
  const requests: Collector['requests'] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(Buffer.concat(parts).toString());
      requests.push({ url: request.url, token: request.headers['x-token']?.toString() });
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    bodies,
    requests,
    spans: () =>
      bodies.flatMap((body) =>
        bodySchema
          .parse(JSON.parse(body))
          .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      ),
  };
}

async function openTraced(environment: Readonly<Record<string, string>>): Promise<Runtime> {
  const embedder = createFakeEmbedder();
  return openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:', ...environment }), {
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
}

const SECRET = 'confidential';

/** Ingests two documents, and asks. */
async function work(runtime: Runtime): Promise<void> {
  await runtime.catalog.createCollection({ name: 'handbook', embedder: 'fake', fields: { dept: 'keyword' } });
  await runtime.ingest('handbook', {
    total: 2,
    async *items() {
      for (const id of [`${SECRET}-1`, `${SECRET}-2`]) {
        yield {
          kind: 'document',
          document: {
            id,
            format: 'markdown',
            content: `# ${SECRET}\n\nThe ${SECRET} pump of ${id}.`,
            metadata: { dept: SECRET },
          },
        };
      }
    },
  });
  await runtime.retrieve(
    'handbook',
    queryRequestSchema.parse({ query: `the ${SECRET} pump`, filter: { dept: SECRET } }),
  );
}

test('spans of a query and an ingest arrive with their parents, and without a word of the documents', async (t) => {
  const collector = await startCollector(t);
  const runtime = await openTraced({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-token=a%20b',
    OTEL_SERVICE_NAME: 'search',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
  });
  await work(runtime);
  await runtime.close();

  const spans = collector.spans();
  const named = (name: string): readonly Span[] => spans.filter((span) => span.name === name);
  const children = (root: Span | undefined): ReadonlySet<string> =>
    new Set(
      spans
        .filter(({ parentSpanId, traceId }) => parentSpanId === root?.spanId && traceId === root?.traceId)
        .map(({ name }) => name),
    );
  const [query] = named('query');
  const [ingest] = named('ingest');
  assert.deepEqual(children(query), new Set(['embed', 'keyword leg', 'read', 'vector leg']));
  assert.deepEqual(children(ingest), new Set(['chunk', 'embed', 'write']));
  assert.deepEqual([named('chunk').length, named('embed').length], [2, 3]);
  assert.ok(spans.every(({ traceId }) => traceId === query?.traceId || traceId === ingest?.traceId));
  assert.ok(query?.parentSpanId === undefined || query.parentSpanId === '');
  assert.notEqual(query?.traceId, ingest?.traceId);
  assert.deepEqual(query?.attributes.find(({ key }) => key === 'plumbline.collection')?.value, {
    stringValue: 'handbook',
  });

  assert.doesNotMatch(collector.bodies.join(''), new RegExp(SECRET, 'u'));
  assert.ok(collector.requests.every(({ url, token }) => url === '/v1/traces' && token === 'a b'));
  const [body] = collector.bodies;
  const attributes = bodySchema.parse(JSON.parse(body ?? '')).resourceSpans[0]?.resource.attributes ?? [];
  assert.deepEqual(Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue])), {
    'deployment.environment': 'test',
    'service.name': 'search',
  });
});

test('what fails is told by its code', async (t) => {
  const collector = await startCollector(t);
  const runtime = await openTraced({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` });
  await assert.rejects(runtime.retrieve('nothing', queryRequestSchema.parse({ query: SECRET })));
  await runtime.close();
  const [span] = collector.spans();
  assert.equal(span?.status.code, 2);
  assert.deepEqual(span.attributes.find(({ key }) => key === 'error.type')?.value, {
    stringValue: 'collection_not_found',
  });
  assert.doesNotMatch(collector.bodies.join(''), new RegExp(SECRET, 'u'));
});

test('the sampler decides for whole traces', async (t) => {
  const collector = await startCollector(t);
  const runtime = await openTraced({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  await work(runtime);
  await runtime.close();
  assert.deepEqual(collector.spans(), []);
});

test('a collector that is away fails nothing', async () => {
  const runtime = await openTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  await work(runtime);
  await runtime.close();
});

describe("OpenTelemetry's variables", () => {
  const read = (environment: Readonly<Record<string, string>>) => loadConfig(environment).monitoring.tracing;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

  it('without an endpoint, or switched off, there are no traces', () => {
    assert.equal(read({}), null);
    assert.equal(read({ OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_ENDPOINT: '' }), null);
    assert.equal(read({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }), null);
    assert.equal(read({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), null);
  });

  it('have the defaults of their specification', () => {
    assert.deepEqual(read(endpoint), {
      url: 'http://collector:4318/v1/traces',
      headers: {},
      timeoutMs: 10_000,
      serviceName: 'plumbline',
      attributes: {},
      sampler: { kind: 'parentbased_always_on', ratio: 1 },
    });
    assert.equal(
      read({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/x' })?.url,
      'https://other/x',
    );
  });

  it('are those that docs/configuration.md lists', () => {
    const asked = new Set<string>();
    const environment = new Proxy<Record<string, string | undefined>>(endpoint, {
      get(target, name) {
        asked.add(String(name));
        return target[String(name)];
      },
    });
    readTracing(environment);
    const documented = tableUnder(readDoc('docs/configuration.md'), '## OpenTelemetry').flatMap(
      ([names = '']) => [...names.matchAll(/`(\w+)`/gu)].map(([, name]) => name),
    );
    assert.deepEqual(documented.sort(), [...asked].sort());
  });

  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', SECRET],
    ['OTEL_TRACES_SAMPLER', SECRET],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', SECRET],
    ['OTEL_EXPORTER_OTLP_HEADERS', SECRET],
    ['OTEL_EXPORTER_OTLP_HEADERS', `a=%${SECRET}`],
    ['OTEL_RESOURCE_ATTRIBUTES', `=${SECRET}`],
  ] as const) {
    it(`${name} that makes no sense is refused by name, and not repeated`, () => {
      assert.throws(
        () => read({ ...endpoint, [name]: value }),
        (error) =>
          hasCode(error, 'invalid_config') && error.field === name && !error.message.includes(SECRET),
      );
    });
  }
});
