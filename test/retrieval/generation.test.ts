/** Which generation answers, and what is said of one that may lack documents. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { runInProcess } from '../cli/support.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { sourceOf } from '../support/source.js';

const BY = { by: 'test', force: true, reason: 'a test' };

interface Opened {
  readonly runtime: Runtime;
  readonly put: (id: string) => Promise<void>;
  readonly ask: (more?: object) => Promise<QueryAnswer>;
  /** Numbers of the generation that is active at first and of the one beside it. */
  readonly first: number;
  readonly second: number;
}

async function open(t: TestContext): Promise<Opened> {
  const models = {
    first: createFakeEmbedder({ name: 'first' }),
    second: createFakeEmbedder({ name: 'second', pin: { model: 'second' } }),
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: (name) => Promise.resolve(name === 'first' ? models.first : models.second),
  });
  t.after(() => runtime.close());
  const { generation } = await runtime.catalog.createCollection({ name: 'parts', embedder: 'first' });
  const put = async (id: string): Promise<void> => {
    const content = `The ${id} turns.`;
    await runtime.ingest('parts', sourceOf([{ id, format: 'text', content, metadata: {} }]));
  };
  await put('pump');
  const { id } = await runtime.generations.start('parts', { embedder: 'second' }, BY);
  return {
    runtime,
    put,
    ask: (more = {}) =>
      runtime.retrieve('parts', queryRequestSchema.parse({ query: 'what turns?', ...more })),
    first: generation.id,
    second: id,
  };
}

function codesOf({ warnings }: QueryAnswer): readonly string[] {
  return (warnings ?? []).map(({ code }) => code);
}

describe('warnings of a generation', () => {
  test('a retired one says what it lacks and how to ask another, named by number or by model', async (t) => {
    const { runtime, put, ask, first, second } = await open(t);
    const before = await ask();
    assert.equal(before.warnings, undefined);
    await runtime.generations.activate('parts', second, BY);
    await put('valve');

    const now = await ask();
    assert.deepEqual([now.generation, now.hits.length, now.warnings], [second, 2, undefined]);
    for (const wish of [{ generation: first }, { model_version: before.model_version }]) {
      const old = await ask(wish);
      assert.deepEqual([old.generation, old.hits.length], [first, 1]);
      assert.deepEqual(codesOf(old), ['generation_retired']);
      const [warning] = old.warnings ?? [];
      assert.match(warning?.message ?? '', /written since then are not in it/u);
      assert.match(warning?.message ?? '', new RegExp(`the active one, ${String(second)}\\.`, 'u'));
    }
    // What it says is got rid of so: the generation is active again, and whole.
    await runtime.generations.rollback('parts', BY);
    const back = await ask({ generation: first });
    assert.deepEqual([back.hits.length, back.warnings], [2, undefined]);
  });

  test('one that is being built says so where it is named, and not where it was found to be whole', async (t) => {
    const { runtime, ask, second } = await open(t);
    const empty = await ask({ generation: second });
    assert.deepEqual([empty.hits.length, codesOf(empty)], [0, ['generation_incomplete']]);
    await runtime.generations.build('parts', second, BY);
    const [, built] = await runtime.generations.list('parts');
    const whole = await ask({ model_version: built?.modelVersion });
    assert.deepEqual([whole.generation, whole.hits.length, whole.warnings], [second, 1, undefined]);
  });

  test('the command line shows it', async (t) => {
    const { runtime, first, second } = await open(t);
    await runtime.generations.activate('parts', second, BY);
    const kept: Runtime = { ...runtime, close: () => Promise.resolve() };
    const args = ['query', 'parts', 'what turns?', '--generation', String(first)];
    const { code, stdout, stderr } = await runInProcess(args, { runtime: kept });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^warning: Generation \d+ is retired/mu);
    assert.doesNotMatch(stdout, /retired/u, 'said once, beside the answer');
    const json = await runInProcess([...args, '--json'], { runtime: kept });
    assert.match(json.stdout, /"code":"generation_retired"/u);
    assert.doesNotMatch(json.stderr, /retired/u);
  });
});
