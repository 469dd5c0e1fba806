/** `plumbline reembed` and `plumbline evalset` as users call them, on a runtime in memory. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { jsonl, withFolder } from '../eval/support.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { runInProcess } from './support.js';
import type { InProcess } from './support.js';

const QUESTIONS = [{ query: 'How long?', expected: [{ document: 'a' }] }];

/** Calls the command line again and again on one collection, `parts`. */
async function open(): Promise<{
  readonly runtime: Runtime;
  readonly run: (...args: string[]) => Promise<InProcess>;
}> {
  const embedder = createFakeEmbedder();
  const store = createMemoryStore();
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store: { ...store, capabilities: { ...store.capabilities, partitions: true } },
    openEmbedder: () => Promise.resolve(embedder),
  });
  await runtime.catalog.createCollection({ name: 'parts', embedder: 'fake' });
  // Each command closes its runtime, which here is one for all.
  const kept: Runtime = { ...runtime, close: () => Promise.resolve() };
  return { runtime, run: (...args) => runInProcess(args, { runtime: kept }) };
}

describe('plumbline reembed', () => {
  test('goes on with a generation of the same wish, and with no other', async () => {
    const { runtime, run } = await open();
    const { id } = await runtime.generations.start(
      'parts',
      { chunker: { kind: 'fixed', targetTokens: 120 }, index: { kind: 'hnsw', buildAfter: 10 } },
      { by: 'test' },
    );
    const same = await run('reembed', 'parts', '--chunker', 'fixed:120');
    assert.equal(same.code, 0, same.stderr);
    assert.match(same.stdout, new RegExp(`Generation ${String(id)} of`, 'u'));
    for (const wish of [
      ['--chunker', 'fixed:200'],
      ['--chunker', 'semantic'],
      ['--index', 'none'],
      ['--index', 'hnsw', '--build-after', '11'],
    ]) {
      const other = await run('reembed', 'parts', ...wish);
      assert.equal(other.code, 2, wish.join(' '));
      assert.match(other.stderr, /is being built already/u);
    }
    const active = await run('reembed', 'parts', '--chunker', 'structure');
    assert.equal(active.code, 2);
    assert.match(active.stderr, /has this model, chunker and index already/u);
  });
});

test('plumbline reembed goes on with a generation in the same partitions, and in no others', async () => {
  const { runtime, run } = await open();
  const partitions = { field: 'modified_at', count: 12, by: 'month' } as const;
  const { id } = await runtime.generations.start(
    'parts',
    { index: { kind: 'hnsw', buildAfter: 20_000, partitions } },
    { by: 'test' },
  );
  const by = ['reembed', 'parts', '--partition-field', 'modified_at', '--partition-by', 'month'];
  const same = await run(...by, '--partition-count', '12');
  assert.equal(same.code, 0, same.stderr);
  assert.match(same.stdout, new RegExp(`Generation ${String(id)} of`, 'u'));
  const other = await run(...by, '--partition-count', '6');
  assert.equal(other.code, 2);
  assert.match(other.stderr, /is being built already/u);
  await runtime.generations.activate('parts', id, { by: 'test', force: true, reason: 'a test' });
  const shown = await run('collections', 'describe', 'parts');
  assert.match(shown.stdout, /in 12 partitions by the month of modified_at/u);
});

describe('plumbline evalset add', () => {
  for (const [name, pack] of [
    ['plain.jsonl', (text: string) => Buffer.from(text)],
    ['packed.jsonl.gz', (text: string) => gzipSync(text)],
    ['marked.jsonl', (text: string) => Buffer.from(`\ufeff${text}`)],
  ] as const) {
    test(`takes ${name} as eval does`, async () => {
      const { runtime, run } = await open();
      await withFolder(async (folder) => {
        const path = join(folder, name);
        await writeFile(path, pack(jsonl(QUESTIONS)));
        const { code, stderr } = await run('evalset', 'add', 'parts', path, '--name', 'own');
        assert.equal(code, 0, stderr);
      });
      assert.deepEqual((await runtime.evalSets.get('parts', 'own')).questions, QUESTIONS);
    });
  }

  test('names the line of a question that is none', async () => {
    const { run } = await open();
    await withFolder(async (folder) => {
      const path = join(folder, 'bad.jsonl');
      await writeFile(path, '\n{"query": "x"}\n');
      const { code, stderr } = await run('evalset', 'add', 'parts', path);
      assert.equal(code, 2);
      assert.match(stderr, /bad\.jsonl, line 2/u);
    });
  });
});
