import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { hasCode, RetrievalError } from '../../src/errors.js';
import { startCanaries } from '../../src/monitoring/canaries.js';
import type { CanaryResult } from '../../src/monitoring/canaries.js';
import { loadCanaryQuestions } from '../../src/monitoring/canary-file.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { ANSWER } from '../api/support.js';
import { firing, ruleOf } from './rules.js';
import { openWatched, until, valueOf } from './support.js';

async function fileOf(t: TestContext, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-canary-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'canaries.jsonl');
  await writeFile(path, content);
  return path;
}

const line = (query: string, expected: readonly string[], collection = 'c'): string =>
  JSON.stringify({ collection, query, expected });

describe('the file of canary questions', () => {
  test('is JSON lines, blank ones apart', async (t) => {
    const path = await fileOf(t, `${line('a', ['x'])}\n\n${line('b', ['y', 'z'])}\n`);
    assert.deepEqual(
      (await loadCanaryQuestions(path)).map(({ query, expected }) => [query, expected]),
      [
        ['a', ['x']],
        ['b', ['y', 'z']],
      ],
    );
  });

  for (const [what, content, problem] of [
    ['has no question', '\n', /0 questions/u],
    ['is not JSON', `${line('a', ['x'])}\nconfidential`, /line 2 is not JSON/u],
    ['names no expected document', line('confidential', []), /line 1: expected/u],
    [
      'has a member too many',
      '{"collection":"c","query":"confidential","expected":["x"],"set":1}',
      /line 1/u,
    ],
  ] as const) {
    test(`that ${what} is refused by line, and not repeated`, async (t) => {
      await assert.rejects(loadCanaryQuestions(await fileOf(t, content)), (error) => {
        assert.ok(hasCode(error, 'invalid_config'));
        assert.equal(error.field, 'PLUMBLINE_CANARY_FILE');
        assert.match(error.message, problem);
        assert.doesNotMatch(error.message, /confidential/u);
        return true;
      });
    });
  }

  test('that is not there keeps the server from starting', async (t) => {
    await assert.rejects(
      openWatched(t, { PLUMBLINE_CANARY_FILE: '/nowhere/canaries.jsonl' }),
      (error) => hasCode(error, 'invalid_config') && error.field === 'PLUMBLINE_CANARY_FILE',
    );
  });
});

test('ranks and misses are figures of /metrics, and a miss fires the alert', async (t) => {
  const path = await fileOf(
    t,
    [
      line('pump', ['pumps']),
      line('valve', ['valves']),
      line('pump', ['elsewhere'], 'd'),
      line('x', ['y'], 'gone'),
    ].join('\n'),
  );
  const store = createMemoryStore();
  const before = await openWatched(t, {}, store);
  for (const name of ['c', 'd']) {
    await before.runtime.catalog.createCollection({ name, embedder: 'fake' });
    await before.runtime.ingest(name, {
      total: 2,
      async *items() {
        for (const id of ['pumps', 'valves']) {
          yield {
            kind: 'document',
            document: { id, format: 'text', content: `All about the ${id.slice(0, -1)}`, metadata: {} },
          };
        }
      },
    });
  }
  const service = await openWatched(t, { PLUMBLINE_CANARY_FILE: path }, store);
  await until(
    async () => (valueOf(await service.samples(), 'plumbline_canary_last_round_timestamp_seconds') ?? 0) > 0,
  );
  const samples = await service.samples();
  const of = (name: string): readonly (number | undefined)[] =>
    ['c', 'd', 'gone'].map((collection) => valueOf(samples, name, { collection }));
  assert.deepEqual(of('plumbline_canary_reciprocal_rank'), [1, 0, 0]);
  assert.deepEqual(of('plumbline_canary_found_ratio'), [1, 0, 0]);
  assert.equal(valueOf(samples, 'plumbline_canary_failures_total'), 1);
  assert.deepEqual(
    firing(ruleOf('PlumblineCanaryMissing'), samples).map(({ labels }) => labels['collection']),
    ['d', 'gone'],
  );
  // They say nothing about what callers ask.
  assert.equal(valueOf(samples, 'plumbline_query_top_similarity_count', { collection: 'c' }), undefined);
});

test('rounds come by the clock, one at a time, and none after the end', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const asked: string[] = [];
  const rounds: (readonly CanaryResult[])[] = [];
  let rank = 0;
  const canaries = startCanaries({
    questions: [
      { collection: 'c', query: 'a', expected: ['right', 'a/b'] },
      { collection: 'c', query: 'b', expected: ['right'] },
      { collection: 'c', query: 'fails', expected: ['right'] },
    ],
    intervalMs: 1000,
    ask: (_collection, { query }) => {
      asked.push(query);
      if (query === 'fails') return Promise.reject(new RetrievalError('store_unavailable', 'away'));
      const hits = ['w', 'v', 'right', 'u'].map((id) => ({ ...ANSWER.hits[0], document_id: id }));
      rank += 1;
      return Promise.resolve({ ...ANSWER, hits: rank === 1 ? ANSWER.hits : hits } as typeof ANSWER);
    },
    onRound: (results) => rounds.push(results),
  });
  t.mock.timers.tick(5000);
  await canaries.idle();
  assert.deepEqual(asked, ['a', 'b', 'fails']);
  const [result] = rounds[0] ?? [];
  assert.ok(result !== undefined);
  assert.equal(result.questions, 3);
  assert.equal(result.failed, 1);
  assert.ok(Math.abs(result.found - 2 / 3) < 1e-12);
  assert.ok(Math.abs(result.reciprocalRank - (1 + 1 / 3) / 3) < 1e-12);
  t.mock.timers.tick(1000);
  await canaries.idle();
  assert.equal(rounds.length, 2);
  canaries.close();
  t.mock.timers.tick(10_000);
  await canaries.idle();
  assert.equal(rounds.length, 2);
});
