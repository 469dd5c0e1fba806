import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoundedLabels } from '../../src/monitoring/labels.js';
import { createSizes } from '../../src/monitoring/sizes.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { specOf } from '../conformance/store/fixtures.js';
import { readDoc, tableUnder, plain } from '../docs/markdown.js';
import { readRules } from './rules.js';
import { openWatched, valueOf } from './support.js';
import type { WatchedService } from './support.js';

async function load(service: WatchedService): Promise<void> {
  const { runtime } = service;
  await runtime.catalog.createCollection({ name: 'handbook', embedder: 'fake' });
  await runtime.ingest('handbook', {
    total: 3,
    async *items() {
      for (const id of ['a', 'b', 'c']) {
        yield {
          kind: 'document',
          document: { id, format: 'text', content: `Unit ${id} has a pump and a valve.`, metadata: {} },
        };
      }
    },
  });
}

test('steps, sizes, scores and runs are measured', async (t) => {
  const service = await openWatched(t);
  await load(service);
  const ask = (input: object): Promise<unknown> =>
    service.runtime.retrieve('handbook', queryRequestSchema.parse({ query: 'the pump', ...input }));
  await ask({});
  await ask({ mode: 'keyword' });
  await ask({ mode: 'vector' });
  await assert.rejects(
    service.runtime.ingest('handbook', {
      total: null,
      async *items() {
        throw new Error('a source that breaks');
      },
    }),
  );
  const samples = await service.samples();
  const legs = (leg: string): number | undefined =>
    valueOf(samples, 'plumbline_query_leg_duration_seconds_count', { leg });
  assert.deepEqual(['vector', 'keyword', 'read', 'rerank'].map(legs), [2, 2, 3, undefined]);
  const embeds = (input: string): number | undefined =>
    valueOf(samples, 'plumbline_embed_duration_seconds_count', { embedder: 'fake', input });
  assert.equal(embeds('query'), 2);
  assert.equal(embeds('document'), 3);
  assert.equal(valueOf(samples, 'plumbline_query_top_similarity_count', { collection: 'handbook' }), 2);
  assert.equal(valueOf(samples, 'plumbline_collections'), 1);
  assert.equal(valueOf(samples, 'plumbline_collection_documents', { collection: 'handbook' }), 3);
  assert.equal(valueOf(samples, 'plumbline_collection_chunks', { collection: 'handbook' }), 3);
  assert.equal(valueOf(samples, 'plumbline_ingest_runs_total', { outcome: 'done' }), 1);
  assert.equal(valueOf(samples, 'plumbline_ingest_runs_total', { outcome: 'failed' }), 1);
  assert.ok((valueOf(samples, 'plumbline_ingest_seconds_total') ?? 0) > 0);
});

test('a build that fails is counted', async (t) => {
  const service = await openWatched(t);
  await load(service);
  service.runtime.builds.start('handbook', 999, { by: 'a test' });
  while (service.runtime.builds.status('handbook', 999)?.state === 'running') {
    await new Promise(setImmediate);
  }
  const samples = await service.samples();
  assert.equal(valueOf(samples, 'plumbline_generation_builds_total', { outcome: 'failed' }), 1);
});

test('the store is asked for sizes once a minute, by each collection once', async () => {
  const store = createMemoryStore();
  for (const name of ['a', 'b', 'c']) await store.createCollection(specOf({ name }));
  let clock = 0;
  let counted = 0;
  const gone: string[] = [];
  const sizes = createSizes({
    store: {
      ...store,
      countCollection: (name, options) => {
        counted += 1;
        return store.countCollection(name, options);
      },
    },
    labels: createBoundedLabels(2),
    now: () => clock,
    signal: new AbortController().signal,
    onGone: (name) => gone.push(name),
  });
  await Promise.all([sizes(), sizes()]);
  assert.deepEqual([...((await sizes())?.collections.keys() ?? [])], ['a', 'b']);
  assert.equal((await sizes())?.total, 3);
  assert.equal(counted, 2);
  await store.deleteCollection('a');
  clock = 59_999;
  assert.equal((await sizes())?.total, 3);
  clock = 60_000;
  // The place of one that went is free again.
  assert.deepEqual([...((await sizes())?.collections.keys() ?? [])], ['b', 'c']);
  assert.deepEqual(gone, ['a']);
});

test('what was known of sizes stays while the store is away', async () => {
  const store = createMemoryStore();
  await store.createCollection(specOf({ name: 'a' }));
  let clock = 0;
  let isAway = false;
  const sizes = createSizes({
    store: {
      ...store,
      listCollections: (options) =>
        isAway ? Promise.reject(new Error('away')) : store.listCollections(options),
    },
    labels: createBoundedLabels(2),
    now: () => clock,
    signal: new AbortController().signal,
    onGone: () => undefined,
  });
  await sizes();
  isAway = true;
  clock = 60_000;
  assert.equal((await sizes())?.total, 1);
});

test('the series of a deleted collection go with it', async (t) => {
  const service = await openWatched(t);
  await load(service);
  await service.runtime.retrieve('handbook', queryRequestSchema.parse({ query: 'the pump' }));
  await service.runtime.catalog.deleteCollection('handbook');
  await service.samples();
  const names = (await service.samples()).filter(({ labels }) => labels['collection'] === 'handbook');
  assert.deepEqual(names, []);
});

test('a runtime is watched by one service', async (t) => {
  const service = await openWatched(t);
  const { runtime } = service;
  assert.ok(runtime.monitoring !== undefined);
  const { Registry } = await import('prom-client');
  await assert.rejects(
    runtime.monitoring.start({ registry: new Registry(), writeLine: () => undefined }),
    /watched already/u,
  );
});

test('docs/monitoring.md lists every figure with its type, and no other', async (t) => {
  const service = await openWatched(t);
  const { body } = await service.app.fastify.inject('/metrics');
  const registered = [...body.matchAll(/^# TYPE (plumbline_\w+) (\w+)$/gmu)].map(([, name, type]) => [
    name,
    type,
  ]);
  const documented = ['### Requests and queries', '### Answers', '### Quality', '### Contents and changes']
    .flatMap((heading) => tableUnder(readDoc('docs/monitoring.md'), heading))
    .map(([name, type]) => [plain(name), type]);
  const byName = (rows: readonly (readonly (string | undefined)[])[]): readonly unknown[] =>
    [...rows].sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  assert.deepEqual(byName(documented), byName(registered));
});

test('docs/monitoring.md lists the alert rules', () => {
  const documented = tableUnder(readDoc('docs/monitoring.md'), '## Alerts').map(([name]) => plain(name));
  assert.deepEqual(
    documented,
    readRules().map(({ alert }) => alert),
  );
});

test('drift is measured of what callers ask, from a baseline that is kept', async (t) => {
  const store = createMemoryStore();
  const service = await openWatched(t, {}, store);
  await load(service);
  const described = await service.runtime.catalog.describeCollection('handbook');
  const ask = async (times: number, query: string): Promise<void> => {
    for (let at = 0; at < times; at += 1) {
      await service.runtime.retrieve('handbook', queryRequestSchema.parse({ query, mode: 'vector' }));
    }
  };
  for (let at = 0; at < 100; at += 1) {
    for (const query of ['the pump', 'a valve', 'unit a']) await ask(1, query);
  }
  // The record is written beside the queries.
  while ((await store.records?.list('handbook', { kinds: ['score_baseline'], limit: 1 }))?.length === 0) {
    await new Promise(setImmediate);
  }
  await ask(99, 'zebra');
  assert.equal(valueOf(await service.samples(), 'plumbline_score_drift'), undefined);
  await ask(1, 'zebra');
  const drift = valueOf(await service.samples(), 'plumbline_score_drift', { collection: 'handbook' });
  assert.ok(drift !== undefined && drift > 0.25, String(drift));
  const [record] = (await store.records?.list('handbook', { kinds: ['score_baseline'], limit: 1 })) ?? [];
  assert.equal(record?.value['generation'], described.generation.id);
});
