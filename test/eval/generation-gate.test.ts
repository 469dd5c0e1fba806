import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runGate } from '../../eval/gate/gate.js';
import type { GateResult } from '../../eval/gate/gate.js';
import { judge, policySchema } from '../../eval/gate/policy.js';
import type { GatePolicy } from '../../eval/gate/policy.js';
import { renderGate } from '../../eval/gate/render.js';
import { loadConfig } from '../../src/config.js';
import type { RawDocument } from '../../src/model.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

const NAME = 'parts';
const AUTHOR = { by: 'tester' };
const WORDS = [
  'pump',
  'valve',
  'piston',
  'rotor',
  'gasket',
  'sensor',
  'nozzle',
  'flange',
  'filter',
  'cable',
  'pulley',
  'brake',
];

/** A collection in which each document is about one word, with an eval set that asks for each of them. */
async function open(options: { readonly blind?: boolean } = {}): Promise<Runtime> {
  const good = createFakeEmbedder({ name: 'good' });
  const other = createFakeEmbedder({ name: 'other', pin: { model: 'other' } });
  // All its vectors are one and the same: it tells nothing apart.
  const blind =
    options.blind === true
      ? {
          ...other,
          embed: (texts: readonly string[]) =>
            other.embed(
              texts.map(() => 'x'),
              { inputType: 'document' },
            ),
        }
      : other;
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: (name) => Promise.resolve(name === 'good' ? good : blind),
  });
  await runtime.catalog.createCollection({ name: NAME, embedder: 'good' });
  const documents = WORDS.map((word, at): RawDocument => ({
    id: word,
    format: 'text',
    content: `The ${word} is number ${String(at)}.`,
    metadata: {},
  }));
  await runtime.ingest(NAME, {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  });
  await runtime.evalSets.put(NAME, {
    name: 'words',
    questions: WORDS.map((word) => ({ id: word, query: `${word} please`, expected: [{ document: word }] })),
  });
  return runtime;
}

function gate(runtime: Runtime, policy: Partial<GatePolicy> = {}): Promise<GateResult> {
  return runGate(runtime, {
    collection: NAME,
    // How long a query takes on a busy machine is not what is tested.
    policy: { ...policySchema.parse({}), max_latency_ratio: null, ...policy },
    author: AUTHOR,
    query: { mode: 'vector' },
  });
}

describe('the gate', () => {
  test('passes a generation that finds the same, and activation then asks no more', async () => {
    const runtime = await open();
    const { id } = await runtime.generations.start(NAME, { embedder: 'other' }, AUTHOR);
    // Not built: the gate builds it.
    const result = await gate(runtime);
    assert.deepEqual(result.reasons, []);
    assert.ok(result.passed);
    assert.equal(result.candidate.generation, id);
    assert.notEqual(result.active.generation, id);
    assert.notEqual(result.active.model_version, result.candidate.model_version);
    assert.equal(result.candidate.metrics['ndcg@10'], 1);
    assert.match(renderGate(result).join('\n'), /The gate is passed/u);
    const [entry] = await runtime.generations.history(NAME, { limit: 1 });
    assert.deepEqual([entry?.event, entry?.details['passed'], entry?.by], ['gate', true, 'tester']);
    assert.equal((await runtime.generations.list(NAME))[1]?.gate?.passed, true);
    assert.equal((await runtime.generations.activate(NAME, id, AUTHOR)).state, 'active');
  });

  test('fails a worse one, says by what, and activation is refused', async () => {
    const runtime = await open({ blind: true });
    const { id } = await runtime.generations.start(NAME, { embedder: 'other' }, AUTHOR);
    const result = await gate(runtime);
    assert.ok(!result.passed);
    assert.ok(result.comparison.losses.length > 0);
    assert.match(result.reasons.join('; '), /ndcg@10 falls from 1\.0000 to/u);
    assert.match(renderGate(result).join('\n'), /largest losses by ndcg@10: .*pump|The gate has failed/u);
    await assert.rejects(runtime.generations.activate(NAME, id, AUTHOR), {
      code: 'gate_failed',
      message: /ndcg@10 falls/u,
    });
    // A gate that was passed before is worth nothing after one that failed.
    assert.equal((await runtime.generations.list(NAME))[1]?.gate?.passed, false);
  });

  test('needs an eval set with enough questions, and another generation', async () => {
    const runtime = await open();
    await assert.rejects(gate(runtime), { code: 'generation_not_found' });
    await runtime.generations.start(NAME, { embedder: 'other' }, AUTHOR);
    const few = await gate(runtime, { min_questions: 100 });
    assert.match(few.reasons.join(), /12 questions are too few/u);
    await runtime.evalSets.put(NAME, {
      name: 'more',
      questions: [{ query: 'a', expected: [{ document: 'pump' }] }],
    });
    await assert.rejects(gate(runtime), { code: 'invalid_request', message: /more, words/u });
    await runtime.evalSets.remove(NAME, 'more');
    await runtime.evalSets.remove(NAME, 'words');
    await assert.rejects(gate(runtime), { code: 'invalid_request', message: /no eval set/u });
    await assert.rejects(runtime.evalSets.get(NAME, 'words'), { code: 'not_found' });
  });

  test('an eval set is replaced by one of its name, and keeps its questions as they were', async () => {
    const runtime = await open();
    const questions = [
      { query: 'größe "x"', expected: [{ document: 'pump', grade: 2 }], note: { by: ['ada'] } },
    ];
    await runtime.evalSets.put(NAME, { name: 'words', questions });
    assert.deepEqual((await runtime.evalSets.get(NAME, 'words')).questions, questions);
    assert.deepEqual(
      (await runtime.evalSets.list(NAME)).map(({ name, questions: count }) => [name, count]),
      [['words', 1]],
    );
    for (const name of ['', 'a/b', 'x'.repeat(101), '\n']) {
      await assert.rejects(runtime.evalSets.put(NAME, { name, questions }), { code: 'invalid_request' });
    }
    await assert.rejects(runtime.evalSets.put(NAME, { name: 'none', questions: [] }), {
      code: 'invalid_request',
    });
  });
});

describe('the policy', () => {
  const metric = {
    a: 0.8,
    b: 0.8,
    difference: 0,
    interval: [0, 0] as const,
    p: 1,
    wins: 0,
    losses: 0,
    ties: 50,
  };
  const latency = { p50: 10, p95: 60, p99: 70, mean: 20, max: 90 };
  const verdict = (
    change: Partial<typeof metric>,
    policy: Partial<GatePolicy> = {},
    candidate: Partial<typeof latency> = {},
  ): readonly string[] => {
    const metrics = {
      'ndcg@10': { ...metric, ...change },
      'recall@10': metric,
      'recall@100': metric,
      'mrr@10': metric,
      map: metric,
    };
    const comparison = {
      data_set: 'd',
      split: 's',
      queries: 50,
      metrics,
      gains: [],
      losses: [],
      settings: [],
    };
    return judge({ ...policySchema.parse({}), ...policy }, comparison, {
      active: latency,
      candidate: { ...latency, ...candidate },
    });
  };

  test('a fall counts when it is large and significant, or larger still', () => {
    assert.deepEqual(verdict({}), []);
    assert.deepEqual(verdict({ difference: -0.01, p: 0.001 }), []);
    assert.deepEqual(verdict({ difference: -0.011, p: 0.2 }), []);
    assert.equal(verdict({ difference: -0.011, p: 0.04 }).length, 1);
    assert.equal(verdict({ difference: -0.051, p: 0.9 }).length, 1);
    assert.deepEqual(verdict({ difference: 0.3, p: 0.001 }), []);
    assert.deepEqual(verdict({ difference: -0.2, p: 0.001 }, { metrics: ['map'] }), []);
  });

  test('latency counts above its floor and its ratio', () => {
    assert.deepEqual(verdict({}, {}, { p95: 120 }), []);
    assert.equal(verdict({}, {}, { p95: 121 }).length, 1);
    assert.deepEqual(verdict({}, { latency_floor_ms: 200 }, { p95: 150 }), []);
    assert.deepEqual(verdict({}, { max_latency_ratio: null }, { p95: 9999 }), []);
  });

  test('a policy with a member it does not know is refused', () => {
    assert.ok(!policySchema.safeParse({ max_dorp: 0.1 }).success);
    assert.ok(!policySchema.safeParse({ metrics: ['ndcg@5'] }).success);
  });
});
