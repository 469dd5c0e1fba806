import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EvalRecord } from '../../eval/record.js';
import { loadDataSet } from '../../eval/dataset.js';
import { evaluate } from '../../eval/run.js';
import { holm } from '../../eval/statistics.js';
import { combinations, ownKey, parseSweep } from '../../eval/sweep/grid.js';
import { judge, sayVerdict } from '../../eval/sweep/verdict.js';
import { createWordRuntime, SMALL, withFolder, writeFiles } from './support.js';

const base = { own: { embedder: 'e' }, query: {} } as const;
const names = (specs: readonly string[], over: object = {}): readonly string[] =>
  combinations(parseSweep(specs), { ...base, query: over }).map(({ name }) => name);

describe('what is swept', () => {
  test('every combination, in the order given', () => {
    assert.deepEqual(names(['chunker=structure,fixed:300/50', 'ef_search=10,40']), [
      'chunker=structure ef_search=10',
      'chunker=structure ef_search=40',
      'chunker=fixed:300/50 ef_search=10',
      'chunker=fixed:300/50 ef_search=40',
    ]);
  });

  test('a setting without effect makes no second measurement', () => {
    assert.deepEqual(names(['fusion=rrf,tm2c2', 'vector_weight=0.5,0.8']), [
      'fusion=rrf',
      'fusion=tm2c2 vector_weight=0.5',
      'fusion=tm2c2 vector_weight=0.8',
    ]);
    assert.deepEqual(names(['mode=keyword,vector,hybrid', 'vector_weight=0.5,0.8', 'ef_search=10,20']), [
      'mode=keyword',
      'mode=vector ef_search=10',
      'mode=vector ef_search=20',
      'mode=hybrid vector_weight=0.5 ef_search=10',
      'mode=hybrid vector_weight=0.5 ef_search=20',
      'mode=hybrid vector_weight=0.8 ef_search=10',
      'mode=hybrid vector_weight=0.8 ef_search=20',
    ]);
    assert.deepEqual(names(['rank_constant=10,60'], { fusion: { method: 'tm2c2' } }), ['']);
  });

  test('what is asked for besides holds in every combination', () => {
    const [first] = combinations(parseSweep(['candidates=200']), {
      own: { embedder: 'e', language: 'none' },
      query: { mode: 'hybrid', fusion: { method: 'min_max', vector_weight: 0.3 }, exact: true },
    });
    assert.deepEqual(first, {
      name: 'candidates=200',
      own: { embedder: 'e', language: 'none' },
      query: {
        mode: 'hybrid',
        fusion: { method: 'min_max', vector_weight: 0.3 },
        candidates: 200,
        exact: true,
      },
    });
  });

  for (const spec of [
    'chunker',
    'top=1',
    'chunker=',
    'chunker=structure,,fixed',
    'chunker=words',
    'chunker=fixed:300/200',
    'fusion=sum',
    'mode=both',
    'vector_weight=1.5',
    'vector_weight=x',
    'ef_search=0',
    'candidates=1.5',
  ]) {
    test(`"${spec}" is refused`, () => {
      assert.throws(() => parseSweep([spec]), { code: 'invalid_request' });
    });
  }

  test('settings that come to the same are measured once', () => {
    const names = combinations(parseSweep(['chunker=fixed,fixed:300/50,structure']), base).map(
      ({ name }) => name,
    );
    assert.deepEqual(names, ['chunker=fixed', 'chunker=structure']);
  });

  test('one dimension twice, and too many combinations, are refused', () => {
    assert.throws(() => parseSweep(['ef_search=1', 'ef_search=2']), {
      code: 'invalid_request',
      field: 'sweep',
    });
    const many = Array.from({ length: 201 }, (_, at) => String(at + 1)).join(',');
    assert.throws(() => names([`ef_search=${many}`]), {
      code: 'invalid_request',
      message: /201 combinations/u,
    });
  });

  test('chunkers that come to the same share a collection', () => {
    assert.equal(
      ownKey({ embedder: 'e' }),
      ownKey({ embedder: 'e', chunker: { kind: 'structure', targetTokens: 400 } }),
    );
    assert.notEqual(ownKey({ embedder: 'e' }), ownKey({ embedder: 'e', chunker: { kind: 'fixed' } }));
  });
});

test("Holm's correction: by hand", () => {
  // Ordered 0.005, 0.01, 0.03, 0.04: × 4, 3, 2, 1, and never below the one before.
  assert.deepEqual(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
  assert.deepEqual(holm([0.5, 0.9]), [1, 1]);
  assert.deepEqual(holm([0.2]), [0.2]);
  assert.deepEqual(holm([]), []);
});

/** A record of as many questions as there are values of nDCG@10. */
async function recordOf(values: readonly number[]): Promise<EvalRecord> {
  return withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
    const target = { kind: 'own', settings: { embedder: 'words' } } as const;
    const { record } = await evaluate(createWordRuntime(), dataSet, { target });
    const [query] = record.per_query;
    assert.ok(query !== undefined);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      ...record,
      metrics: { ...record.metrics, 'ndcg@10': mean },
      per_query: values.map((value, at) => ({
        ...query,
        id: `q${String(at)}`,
        metrics: { ...query.metrics, 'ndcg@10': value },
      })),
    };
  });
}

describe('the verdict', () => {
  test('a clear lead is significant, a small one is not, and equals go to the first', async () => {
    const questions = Array.from({ length: 40 }, (_, at) => at);
    const good = await recordOf(questions.map(() => 0.9));
    const alike = await recordOf(questions.map((at) => (at < 2 ? 0.8 : 0.9)));
    const poor = await recordOf(questions.map((at) => 0.3 + (at % 3) / 10));
    const verdict = judge([poor, good, alike, good], 'ndcg@10');
    assert.equal(verdict.winner, 1);
    assert.equal(verdict.leads[1], null);
    assert.deepEqual(verdict.asGood, [2, 3]);
    const [ofPoor, , ofAlike, ofTwin] = verdict.leads;
    assert.ok((ofPoor?.pHolm ?? 1) < 0.001 && (ofPoor?.interval[0] ?? 0) > 0.4);
    // Two differences that are not zero: four patterns, of which two are as large.
    assert.equal(ofAlike?.p, 0.5);
    assert.equal(ofAlike.pHolm, 1);
    assert.equal(ofTwin?.p, 1);
    assert.match(sayVerdict(verdict, ['p', 'g', 'a', 't']), /^g has the highest ndcg@10, but .*: a; t\.$/u);
    assert.match(sayVerdict(judge([poor, good], 'ndcg@10'), ['p', 'g']), /^g won by ndcg@10, significantly/u);
  });

  test('other questions cannot be compared', async () => {
    const a = await recordOf([0.5, 0.6]);
    const b = { ...a, data_set: { ...a.data_set, hash: 'other' } };
    assert.throws(() => judge([a, b], 'ndcg@10'), { code: 'invalid_request' });
  });
});
