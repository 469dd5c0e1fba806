import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bm25, idf, saturation, weighTerms } from '../../src/analysis/bm25.js';

describe('BM25', () => {
  const statistics = {
    chunks: 3,
    totalLength: 12,
    documentFrequency: new Map([
      ['cat', 1],
      ['dog', 3],
    ]),
  };

  it('equals a sum worked out by hand', () => {
    const query = weighTerms(
      new Map([
        ['dog', 1],
        ['cat', 2],
        ['owl', 1],
      ]),
      statistics,
    );
    assert.deepEqual(
      query.map(({ term }) => term),
      ['cat', 'dog'],
    );
    // ln(1 + 2.5 / 1.5), ln(1 + 0.5 / 3.5); a length of 5 against a mean of 4.
    const norm = 1.2 * (1 - 0.75 + (0.75 * 5) / 4);
    const expected =
      2 * Math.log(1 + 2.5 / 1.5) * ((2 * 2.2) / (2 + norm)) + Math.log(1 + 0.5 / 3.5) * (2.2 / (1 + norm));
    const score = bm25(query, (term) => (term === 'cat' ? 2 : 1), 5, 4);
    assert.ok(Math.abs(score - expected) < 1e-12);
  });

  it('is 0 without a common word, and above 0 with one that all chunks hold', () => {
    const query = weighTerms(new Map([['dog', 1]]), statistics);
    assert.equal(
      bm25(query, () => 0, 5, 4),
      0,
    );
    assert.ok(idf(1_000_000, 1_000_000) > 0);
    assert.ok(bm25(query, () => 1, 5, 4) > 0);
  });

  it('grows with frequency up to its bound, and falls with length', () => {
    const values = [1, 2, 5, 100, 1e9].map((tf) => saturation(tf, 4, 4));
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    );
    assert.ok((values.at(-1) ?? 9) <= 2.2);
    assert.ok(saturation(1, 8, 4) < saturation(1, 4, 4));
    assert.ok(Number.isFinite(saturation(1, 0, 0)));
  });
});
