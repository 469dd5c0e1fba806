import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kthLargest } from '../../src/stores/pgvector/kth-largest.js';
import { runsToMerge } from '../../src/stores/pgvector/merge-segments.js';
import { packPostings, postingsWithout, readPostings } from '../../src/stores/pgvector/postings.js';
import type { Posting } from '../../src/stores/pgvector/postings.js';
import { createRandom } from '../support/random.js';
import type { Random } from '../support/random.js';

describe('packed postings', () => {
  const random = createRandom(11);

  it('are read as they were packed, keys beyond 32 bits too', () => {
    for (const first of [0, 1, 127, 128, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER - 10_000_000]) {
      const postings = randomPostings(random, first);
      assert.deepEqual(read(packPostings(postings)), postings);
    }
    assert.deepEqual(read(packPostings([])), []);
  });

  it('can be joined end to end', () => {
    const lists = [0, 5_000_000, 10_000_000].map((first) => randomPostings(random, first));
    assert.deepEqual(read(Buffer.concat(lists.map(packPostings))), lists.flat());
  });

  it('lose those of some chunks', () => {
    const postings = randomPostings(random, 7);
    const gone = new Set(postings.filter(() => random.chance(0.3)).map(({ key }) => key));
    assert.deepEqual(
      postingsWithout(packPostings(postings), gone),
      postings.filter(({ key }) => !gone.has(key)),
    );
  });
});

describe('segments to merge', () => {
  const starts = (count: number, width: number, from = 1): number[] =>
    Array.from({ length: count }, (_, index) => from + index * width);

  it('are many small neighbours', () => {
    assert.deepEqual(runsToMerge(starts(10, 100), 1001), [{ first: 1, last: 901 }]);
    assert.deepEqual(runsToMerge(starts(100, 1000), 100_001), [
      { first: 1, last: 31_001 },
      { first: 32_001, last: 63_001 },
      { first: 64_001, last: 95_001 },
    ]);
  });

  it('are none where they are few, or large already', () => {
    assert.deepEqual(runsToMerge([], 1), []);
    assert.deepEqual(runsToMerge(starts(7, 100), 701), []);
    assert.deepEqual(runsToMerge(starts(20, 32_768), 20 * 32_768 + 1), []);
    assert.deepEqual(runsToMerge(starts(20, 5000), 100_001), []);
  });
});

describe('the k-th largest', () => {
  it('is that of the sorted numbers, many equal ones among them', () => {
    const random = createRandom(12);
    for (let round = 0; round < 300; round += 1) {
      const kinds = 1 + random.int(50);
      const numbers = Float64Array.from({ length: 1 + random.int(60) }, () => random.int(kinds));
      const before = numbers.slice();
      const descending = numbers.toSorted((a, b) => b - a);
      for (const [index, value] of descending.entries())
        assert.equal(kthLargest(numbers, index + 1, new Float64Array(numbers.length)), value);
      assert.deepEqual(numbers, before);
    }
  });

  it('is below all where there are fewer', () => {
    assert.equal(kthLargest(Float64Array.of(1, 2), 3, new Float64Array(2)), -Infinity);
    assert.equal(kthLargest(new Float64Array(), 1, new Float64Array()), -Infinity);
  });
});

function randomPostings(random: Random, first: number): Posting[] {
  let key = first;
  return Array.from({ length: 500 }, () => {
    key += 1 + random.int(random.pick([1, 200, 9000]));
    return { key, frequency: 1 + random.int(300), length: 1 + random.int(100_000) };
  });
}

function read(bytes: Uint8Array): Posting[] {
  return [...readPostings(bytes)];
}
