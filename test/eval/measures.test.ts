import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import {
  averagePrecision,
  meanMeasures,
  measureQuery,
  measureRun,
  METRICS,
  ndcg,
  recall,
  reciprocalRank,
} from '../../eval/measures.js';
import { rankAsTrecEval } from '../../eval/trec.js';
import { packageRoot } from '../../src/package-root.js';

const PROPERTIES = { seed: 11, numRuns: 300 };

const measures = z.record(z.string(), z.number());
const referenceSchema = z.object({
  runs: z.array(
    z.object({
      qrels: z.record(z.string(), z.record(z.string(), z.number())),
      run: z.record(z.string(), z.array(z.tuple([z.string(), z.number()]))),
      expected: z.object({ mean: measures, per_query: z.record(z.string(), measures) }),
    }),
  ),
});

async function readReference(): Promise<z.output<typeof referenceSchema>> {
  const path = join(packageRoot, 'test', 'eval', 'fixtures', 'reference.json');
  return referenceSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

test('every measure of every query equals trec_eval to 1e-6 (ties, grades, gaps, doubles)', async () => {
  const { runs } = await readReference();
  assert.equal(runs.length, 2);
  for (const { qrels, run, expected } of runs) {
    const ours = measureRun(
      new Map(
        Object.entries(run).map(([id, rows]) => [id, rows.map(([doc, score]) => ({ id: doc, score }))]),
      ),
      new Map(Object.entries(qrels).map(([id, rows]) => [id, new Map(Object.entries(rows))])),
    );
    assert.deepEqual([...ours.keys()].sort(), Object.keys(expected.per_query).sort());
    for (const [id, values] of ours) {
      for (const metric of METRICS) {
        const theirs = expected.per_query[id]?.[metric];
        assert.ok(theirs !== undefined && Math.abs(values[metric] - theirs) < 1e-6, `${id} ${metric}`);
      }
    }
    const mean = meanMeasures([...ours.values()]);
    for (const metric of METRICS) {
      assert.ok(Math.abs(mean[metric] - (expected.mean[metric] ?? Number.NaN)) < 1e-6, metric);
    }
  }
});

test('values worked out by hand', () => {
  const judgements = new Map([
    ['a', 3],
    ['b', 1],
    ['c', 0],
    ['d', -2],
  ]);
  const gains = [0, 3, 0, 1];
  const best = 3 + 1 / Math.log2(3);
  assert.equal(ndcg(gains, judgements, 10), (3 / Math.log2(3) + 1 / Math.log2(5)) / best);
  assert.equal(ndcg(gains, judgements, 1), 0);
  assert.equal(recall(gains, 2, 2), 0.5);
  assert.equal(reciprocalRank(gains, 10), 0.5);
  assert.equal(reciprocalRank([0, 0, 1], 2), 0);
  assert.equal(averagePrecision(gains, 4), (1 / 2 + 2 / 4) / 4);
});

const judged = fc.dictionary(
  fc.constantFrom(...Array.from('abcdefghijklmnop')),
  fc.integer({ min: -2, max: 3 }),
  {
    minKeys: 1,
  },
);
const found = fc.uniqueArray(fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz')));

test('property: measures lie in [0, 1], and recall only grows with k', () => {
  fc.assert(
    fc.property(judged, found, (grades, ids) => {
      const judgements = new Map(Object.entries(grades));
      const measured = measureQuery(
        ids.map((id, at) => ({ id, score: -at })),
        judgements,
      );
      for (const metric of METRICS) assert.ok(measured[metric] >= 0 && measured[metric] <= 1 + 1e-12, metric);
      assert.ok(measured['recall@100'] >= measured['recall@10']);
    }),
    PROPERTIES,
  );
});

test('property: the best possible order scores 1 in all, when ten places hold it', () => {
  fc.assert(
    fc.property(judged, (grades) => {
      const relevant = Object.entries(grades)
        .filter(([, grade]) => grade > 0)
        .sort(([, a], [, b]) => b - a)
        .slice(0, 10);
      fc.pre(relevant.length > 0);
      const measured = measureQuery(
        relevant.map(([id], at) => ({ id, score: -at })),
        new Map(relevant),
      );
      for (const metric of METRICS) assert.ok(Math.abs(measured[metric] - 1) < 1e-12, metric);
    }),
    PROPERTIES,
  );
});

test('property: swapping a better document up never lowers nDCG or MAP', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 15 }),
      fc.nat(),
      (gains, at) => {
        const place = at % (gains.length - 1);
        const [upper, lower] = [gains[place] ?? 0, gains[place + 1] ?? 0];
        fc.pre(lower > upper);
        const swapped = gains.map((gain, i) => (i === place ? lower : i === place + 1 ? upper : gain));
        const judgements = new Map(gains.map((gain, i) => [String(i), gain]));
        assert.ok(ndcg(swapped, judgements, 10) >= ndcg(gains, judgements, 10));
        assert.ok(averagePrecision(swapped, gains.length) >= averagePrecision(gains, gains.length));
      },
    ),
    PROPERTIES,
  );
});

test('the order of the input does not matter to the ranking', () => {
  const document = fc.record({
    id: fc.string({ minLength: 1, unit: 'grapheme' }),
    score: fc.constantFrom(0, 0.5, 0.5 + 1e-12, 1),
  });
  fc.assert(
    fc.property(fc.uniqueArray(document, { selector: ({ id }) => id }), (documents) => {
      assert.deepEqual(rankAsTrecEval(documents), rankAsTrecEval([...documents].reverse()));
    }),
    PROPERTIES,
  );
});
