import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fuse, single, theoreticalMinimum } from '../../src/retrieval/fusion.js';
import type { Candidate, LegScore } from '../../src/retrieval/fusion.js';
import { recencyPart } from '../../src/retrieval/recency.js';
import { explainSchema, fusionSchema } from '../../src/retrieval/schema.js';
import { compareScored, groupHits, scoreOf } from '../../src/retrieval/score.js';

function candidate(chunkId: string, vector: LegScore | null, keyword: LegScore | null): Candidate {
  return { chunkId, documentId: `doc-${chunkId}`, vector, keyword };
}

const three = [
  candidate('a', { rank: 1, score: 0.8 }, { rank: null, score: 0 }),
  candidate('b', { rank: 2, score: 0.5 }, { rank: 1, score: 12 }),
  candidate('c', { rank: null, score: -0.1 }, { rank: 2, score: 3 }),
];

function relevances(method: 'tm2c2' | 'min_max' | 'rrf', weight?: number): readonly number[] {
  const fusion = fusionSchema.parse({ method, ...(weight === undefined ? {} : { vector_weight: weight }) });
  return fuse(three, fusion, -1).map(({ relevance }) => relevance.relevance);
}

describe('fusion', () => {
  it('scales tm2c2 from the theoretical minimum to the largest score', () => {
    const [a, b, c] = relevances('tm2c2', 0.8);
    const near = (actual: number | undefined, expected: number): void => {
      assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-12, `${String(actual)} is not ${String(expected)}`);
    };
    near(a, 0.8);
    near(b, 0.8 * (1.5 / 1.8) + 0.2);
    near(c, 0.8 * (0.9 / 1.8) + 0.2 * 0.25);
  });

  it('scales min_max from the least of the candidates', () => {
    const [a, b, c] = relevances('min_max');
    assert.equal(a, 0.5);
    assert.ok(Math.abs((b ?? NaN) - (0.5 * (0.6 / 0.9) + 0.5)) < 1e-12);
    assert.ok(Math.abs((c ?? NaN) - 0.5 * 0.25) < 1e-12);
  });

  it('adds reciprocal ranks, and nothing for a leg that did not bring the candidate', () => {
    assert.deepEqual(relevances('rrf'), [1 / 61, 1 / 62 + 1 / 61, 1 / 62]);
  });

  it('does not divide by zero when a leg says nothing', () => {
    const silent = [candidate('a', { rank: 1, score: 0.4 }, { rank: null, score: 0 })];
    const [only] = fuse(silent, fusionSchema.parse({}), -1);
    assert.equal(only?.relevance.keyword?.normalized, 0);
    assert.equal(only.relevance.vector?.normalized, 1);
  });

  it('keeps raw scores of a single leg, and scales them when asked', () => {
    const raw = single(three, 'keyword', null).map(({ relevance }) => relevance.relevance);
    assert.deepEqual(raw, [0, 12, 3]);
    const scaled = single(three, 'keyword', { minimum: 0 }).map(({ relevance }) => relevance.relevance);
    assert.deepEqual(scaled, [0, 1, 0.25]);
  });

  it('knows the least score of each metric', () => {
    assert.equal(theoreticalMinimum('cosine', false), -1);
    assert.equal(theoreticalMinimum('dot', true), -1);
    assert.equal(theoreticalMinimum('dot', false), null);
    assert.equal(theoreticalMinimum('l2', true), -2);
  });

  it('refuses settings that would be ignored', () => {
    assert.equal(fusionSchema.safeParse({ method: 'rrf', vector_weight: 0.5 }).success, false);
    assert.equal(fusionSchema.safeParse({ method: 'tm2c2', rank_constant: 60 }).success, false);
  });

  it('gives scores in [0, 1] that do not depend on the order of the candidates', () => {
    const leg = fc.record({ rank: fc.constant(null), score: fc.double({ min: -1, max: 1, noNaN: true }) });
    const bm25 = fc.record({ rank: fc.constant(null), score: fc.double({ min: 0, max: 50, noNaN: true }) });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(leg, bm25), { minLength: 1, maxLength: 20 }),
        fc.constantFrom('tm2c2' as const, 'min_max' as const),
        (rows, method) => {
          const candidates = rows.map(([vector, keyword], index) =>
            candidate(String(index), vector, keyword),
          );
          const fusion = fusionSchema.parse({ method });
          const forward = fuse(candidates, fusion, -1);
          const backward = fuse([...candidates].reverse(), fusion, -1);
          for (const { candidate: one, relevance } of forward) {
            assert.ok(relevance.relevance >= 0 && relevance.relevance <= 1 + 1e-12);
            const same = backward.find((other) => other.candidate.chunkId === one.chunkId);
            assert.equal(same?.relevance.relevance, relevance.relevance);
          }
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe('the score', () => {
  it('comes out of its explanation exactly, also after a trip through JSON', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        unit,
        fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 }), { nil: null }),
        fc.constantFrom('tm2c2' as const, 'min_max' as const, 'rrf' as const),
        (weight, date, method) => {
          const [first] = fuse(three, fusionSchema.parse({ method }), -1);
          assert.ok(first !== undefined);
          const recency = recencyPart(date, { halfLifeDays: 30, weight, now: 1_800_000_000_000 });
          const explain = { ...first.relevance, recency };
          const again = explainSchema.parse(JSON.parse(JSON.stringify(explain)));
          assert.equal(scoreOf(again), scoreOf(explain));
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });

  it('expresses 0.7 of similarity with 0.3 of recency', () => {
    const [first] = single(three, 'vector', null);
    assert.ok(first !== undefined);
    const now = Date.parse('2024-06-30T00:00:00Z');
    const recency = recencyPart(Date.parse('2024-05-31T00:00:00Z'), { halfLifeDays: 30, weight: 0.3, now });
    assert.equal(recency.age_days, 30);
    assert.equal(scoreOf({ ...first.relevance, recency }), (1 - 0.3) * 0.8 + 0.3 * 0.5);
  });

  it('takes a missing date as old and a future one as new', () => {
    const settings = { halfLifeDays: 10, weight: 0.5, now: 0 };
    assert.equal(recencyPart(null, settings).decay, 0);
    assert.equal(recencyPart(86_400_000, settings).decay, 1);
  });

  it('orders ties by chunk id and groups by document', () => {
    const scored = fuse(three, fusionSchema.parse({}), -1).map(({ candidate: one, relevance }) => ({
      chunkId: one.chunkId,
      documentId: one.chunkId === 'c' ? 'doc-a' : one.documentId,
      score: one.chunkId === 'b' ? 1 : 0.5,
      explain: { ...relevance, recency: null },
    }));
    const sorted = [...scored].reverse().sort(compareScored);
    assert.deepEqual(
      sorted.map((one) => one.chunkId),
      ['b', 'a', 'c'],
    );
    assert.deepEqual(
      groupHits(sorted, 'best').map((group) => group.best.chunkId),
      ['b', 'a'],
    );
    const merged = groupHits(sorted, 'merge');
    assert.deepEqual(
      merged.map((group) => group.more.map((one) => one.chunkId)),
      [[], ['c']],
    );
  });
});
