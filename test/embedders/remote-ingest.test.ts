import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { hasCode } from '../../src/errors.js';
import type { Source } from '../../src/ingest/types.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createEmbedModels } from '../bedrock/embed-models.js';
import type { EmbedModels } from '../bedrock/embed-models.js';
import { temporaryFolder, useTestCredentials } from '../bedrock/embed-support.js';
import { awsError, startFakeBedrock } from '../bedrock/server.js';
import type { FakeBedrock } from '../bedrock/server.js';

useTestCredentials();

const DOCUMENTS = 40;

function source(count = DOCUMENTS, word = 'harbour'): Source {
  return {
    total: count,
    async *items() {
      for (let index = 0; index < count; index += 1) {
        yield {
          kind: 'document',
          document: {
            id: `d${String(index).padStart(3, '0')}`,
            format: 'text',
            content: `Note ${String(index)} about the ${word}.`,
            metadata: {},
          },
        };
      }
    },
  };
}

describe('ingest with a remote embedder', () => {
  let models: EmbedModels;
  let server: FakeBedrock;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let drift = 0;
  const opened: Runtime[] = [];
  const notices: string[] = [];

  beforeEach(async () => {
    drift = 0;
    notices.length = 0;
    models = createEmbedModels({ drift: () => drift });
    server = await startFakeBedrock({ handlers: [models.handler] });
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    for (const runtime of opened.splice(0)) await runtime.close();
    await server.close();
    await folder.remove();
  });

  /** A process of its own, on the same store where one is given. */
  async function start(
    settings: Readonly<Record<string, string>> = {},
    store?: VectorStore,
  ): Promise<Runtime> {
    const config = loadConfig({
      PLUMBLINE_STORE_URL: 'memory:',
      PLUMBLINE_CACHE_DIR: folder.path,
      PLUMBLINE_BEDROCK_REGION: 'eu-central-1',
      PLUMBLINE_BEDROCK_ENDPOINT: server.url,
      PLUMBLINE_BEDROCK_MAX_ATTEMPTS: '1',
      ...settings,
    });
    const runtime = await openRuntime(config, {
      ...(store === undefined ? {} : { store: { ...store, close: () => Promise.resolve() } }),
      onNotice: (message) => notices.push(message),
    });
    opened.push(runtime);
    return runtime;
  }

  /** Texts that were paid for, without the canaries. */
  const paid = (): readonly string[] =>
    models.embedded.map(({ text }) => text).filter((text) => text.startsWith('Note'));

  test('tokens and cost are told, and unchanged documents cost nothing', async () => {
    const runtime = await start({ PLUMBLINE_BEDROCK_PRICES: 'titan-v2=0.02' });
    await runtime.catalog.createCollection({ name: 'notes', embedder: 'titan-v2' });
    const before = models.tokens();
    const seen: number[] = [];
    const summary = await runtime.ingest('notes', source(), {
      onProgress: ({ spent }) => void seen.push(spent?.tokens ?? -1),
    });
    assert.equal(summary.added, DOCUMENTS);
    const tokens = models.tokens() - before;
    assert.deepEqual({ ...summary.spent, cost: null }, { tokens, cached: 0, cost: null });
    assert.ok(Math.abs((summary.spent?.cost ?? 0) - (tokens / 1000) * 0.02) < 1e-12);
    assert.equal(seen.at(-1), tokens);
    const again = await runtime.ingest('notes', source());
    assert.deepEqual(again.spent, { tokens: 0, cached: 0, cost: 0 });
  });

  test('without a price there is no cost; with a local embedder there is neither', async () => {
    const runtime = await start();
    await runtime.catalog.createCollection({ name: 'notes', embedder: 'cohere-v3-english' });
    const { spent } = await runtime.ingest('notes', source(3));
    assert.equal(spent?.cost, null);
    assert.ok(spent.tokens > 0);
  });

  for (const embedder of ['titan-v2', 'cohere-v3-multilingual']) {
    test(`${embedder}: what a run paid for before it failed is not paid for again`, async () => {
      const first = await start({ PLUMBLINE_BEDROCK_CONCURRENCY: '2' });
      await first.catalog.createCollection({ name: 'notes', embedder });
      const limit = server.requests.length + (embedder === 'titan-v2' ? 15 : 1);
      server.failWhen(() =>
        server.requests.length > limit
          ? { kind: 'reply', reply: awsError('AccessDeniedException', 403, 'no longer') }
          : null,
      );
      const content = source(embedder === 'titan-v2' ? DOCUMENTS : 200);
      await assert.rejects(first.ingest('notes', content), { code: 'provider_access_denied' });
      const before = paid().length;
      assert.ok(before > 0 && before < (content.total ?? 0), String(before));
      await first.close();

      server.failWhen(null);
      // Nothing of the store is left: only the cache knows.
      const second = await start();
      await second.catalog.createCollection({ name: 'notes', embedder });
      const summary = await second.ingest('notes', content);
      assert.equal(summary.added, content.total);
      assert.equal(summary.spent?.cached, before);
      assert.equal(new Set(paid()).size, paid().length, 'no text was paid for twice');
    });
  }

  test('an aborted run keeps what was answered', async () => {
    const first = await start({ PLUMBLINE_BEDROCK_CONCURRENCY: '1' });
    await first.catalog.createCollection({ name: 'notes', embedder: 'titan-v2' });
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const limit = server.requests.length + 10;
    server.failWhen(() => {
      if (server.requests.length > limit) controller.abort();
      return null;
    });
    await assert.rejects(first.ingest('notes', source(), { signal: controller.signal }), {
      code: 'cancelled',
    });
    await first.close();
    server.failWhen(null);
    const before = models.embedded.length;
    const second = await start();
    await second.catalog.createCollection({ name: 'notes', embedder: 'titan-v2' });
    const summary = await second.ingest('notes', source());
    assert.ok((summary.spent?.cached ?? 0) >= 9);
    assert.ok(models.embedded.length - before <= DOCUMENTS - 9 + 4);
  });

  test('the cache holds documents only, for one pin a file, and can be switched off', async () => {
    const runtime = await start();
    for (const embedder of ['titan-v2', 'titan-v2-256']) {
      await runtime.catalog.createCollection({ name: embedder, embedder });
      await runtime.ingest(embedder, source(2));
      await runtime.retrieve(embedder, query());
    }
    const files = await readdir(join(folder.path, 'vectors'));
    assert.equal(files.length, 2);
    await runtime.close();

    const other = await temporaryFolder();
    const off = await start({ PLUMBLINE_EMBED_CACHE: 'off', PLUMBLINE_CACHE_DIR: other.path });
    await off.catalog.createCollection({ name: 'off', embedder: 'titan-v2' });
    await off.ingest('off', source(2));
    assert.deepEqual(await readdir(other.path), []);
    await other.remove();
  });

  test('a text that is too long by the model itself fails its document, not the run', async () => {
    await server.close();
    models = createEmbedModels({ countTokens: (text) => (text.includes('Note 3 ') ? 9000 : 10) });
    server = await startFakeBedrock({ handlers: [models.handler] });
    const runtime = await start();
    await runtime.catalog.createCollection({ name: 'notes', embedder: 'titan-v2' });
    const summary = await runtime.ingest('notes', source(6));
    assert.equal(summary.added, 5);
    assert.deepEqual(
      summary.failed.map(({ name, code }) => [name, code]),
      [['d003', 'invalid_request']],
    );
  });

  describe('canaries', () => {
    for (const kind of ['memory', 'pglite'] as const) {
      test(`${kind}: another model under the same name is refused at start, query and ingest`, async (t) => {
        const store =
          kind === 'memory'
            ? createMemoryStore()
            : await openPgVectorStore({
                connection: { kind: 'pglite', folder: join(folder.path, 'data') },
                statementTimeoutMs: 30_000,
              });
        t.after(() => store.close());
        const first = await start({}, store);
        const made = await first.catalog.createCollection({ name: 'notes', embedder: 'cohere-v3-english' });
        assert.equal(made.generation.pin.canaries?.length, 2);
        await first.ingest('notes', source(5));
        await first.checkPins();
        assert.equal((await first.retrieve('notes', query())).hits.length, 5);

        // A little noise is what another machine's arithmetic makes.
        drift = 1e-4;
        const near = await start({}, store);
        await near.checkPins();
        await near.ingest('notes', source(6));

        drift = 0.05;
        const far = await start({}, store);
        const isRefused = (error: unknown): boolean => {
          assert.ok(hasCode(error, 'model_mismatch'));
          assert.match(error.message, /pinned to cohere\.embed-english-v3@\w+.*cosine of 0\.\d+/u);
          assert.deepEqual(error.details['differing'], ['canaries']);
          assert.ok(!JSON.stringify(error.details).includes('canaries":['), 'no vectors in the error');
          assert.ok('pinned' in error.details && 'given' in error.details);
          return true;
        };
        await assert.rejects(far.checkPins(), isRefused);
        await assert.rejects(far.retrieve('notes', query()), isRefused);
        const asked = models.embedded.length;
        await assert.rejects(far.ingest('notes', source(9, 'lighthouse')), isRefused);
        assert.equal(models.embedded.length, asked, 'no document was embedded');
        assert.equal((await near.catalog.describeCollection('notes')).counts.documents, 6);
      });
    }

    test('a model that changes while the process serves is noticed on schedule', async (t) => {
      t.mock.timers.enable({ apis: ['setInterval'] });
      const runtime = await start({ PLUMBLINE_CANARY_INTERVAL_MS: '3600000' });
      await runtime.catalog.createCollection({ name: 'notes', embedder: 'titan-v2' });
      await runtime.ingest('notes', source(3));
      drift = 0.05;
      assert.equal((await runtime.retrieve('notes', query())).hits.length, 3);
      t.mock.timers.tick(3_600_000);
      while (notices.length === 0) await new Promise(setImmediate);
      assert.match(notices[0] ?? '', /titan-v2 gives other vectors than before/u);
      await assert.rejects(runtime.retrieve('notes', query()), { code: 'model_mismatch' });
      await assert.rejects(runtime.ingest('notes', source(4)), { code: 'model_mismatch' });
    });

    test('counting for a dry run asks the provider nothing', async () => {
      const runtime = await start();
      let documents = 0;
      for await (const item of runtime.dryRun({ embedder: 'titan-v2' }, source(3))) {
        documents += item.kind === 'document' ? 1 : 0;
      }
      assert.equal(documents, 3);
      assert.equal(server.requests.length, 0);
    });

    test('a provider that is away does not keep a server from starting', async () => {
      const store = createMemoryStore();
      const first = await start({}, store);
      await first.catalog.createCollection({ name: 'notes', embedder: 'titan-v2' });
      server.failWhen(() => ({ kind: 'reply', reply: awsError('ServiceUnavailableException', 503, 'x') }));
      const second = await start({}, store);
      await second.checkPins();
      assert.match(notices[0] ?? '', /not checked at the start/u);
      await assert.rejects(second.retrieve('notes', query()), { code: 'embedder_unavailable' });
    });
  });
});

function query(): Parameters<Runtime['retrieve']>[1] {
  return queryRequestSchema.parse({ query: 'harbour', mode: 'vector', top_k: 10 });
}
