import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baselineOf, createScoreDrift, stabilityIndex } from '../../src/monitoring/drift.js';
import type { RecordStore } from '../../src/stores/generations-port.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { specOf } from '../conformance/store/fixtures.js';
import { createRandom } from '../support/random.js';
import type { Random } from '../support/random.js';
import { firing, ruleOf } from './rules.js';

/** About normal: the sum of twelve even draws. */
function draw(random: Random, mean: number, deviation: number): number {
  const sum = Array.from({ length: 12 }, () => random.next()).reduce((total, one) => total + one, 0);
  return mean + deviation * (sum - 6);
}

async function records(): Promise<RecordStore> {
  const store = createMemoryStore();
  await store.createCollection(specOf({ name: 'c' }));
  assert.ok(store.records !== undefined);
  return store.records;
}

const { signal } = new AbortController();
const rule = ruleOf('PlumblineScoreDrift');
const fires = (value: number | undefined): boolean =>
  firing(rule, [{ name: 'plumbline_score_drift', labels: {}, value: value ?? NaN }]).length > 0;

describe('the drift of scores', () => {
  it('is small while scores stay as they were, and large when they move', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = createRandom(seed);
      const drift = createScoreDrift({ signal });
      for (let query = 0; query < 600; query += 1) drift.seen('c', 1, draw(random, 0.6, 0.1));
      const before = drift.values().get('c');
      assert.ok(before !== undefined && before < 0.15, String(before));
      assert.equal(fires(before), false);
      for (let query = 0; query < 300; query += 1) drift.seen('c', 1, draw(random, 0.5, 0.1));
      const after = drift.values().get('c');
      assert.ok(after !== undefined && after > 0.5, String(after));
      assert.equal(fires(after), true);
    }
  });

  it('is not told of before there is enough to compare', () => {
    const drift = createScoreDrift({ signal });
    for (let query = 0; query < 399; query += 1) drift.seen('c', 1, query / 400);
    assert.equal(drift.values().size, 0);
    drift.seen('c', 1, 0.5);
    assert.equal(drift.values().size, 1);
  });

  it('begins anew with another generation', () => {
    const drift = createScoreDrift({ signal, baselineSize: 10, windowSize: 10 });
    for (let query = 0; query < 20; query += 1) drift.seen('c', 1, query);
    assert.equal(drift.values().size, 1);
    drift.seen('c', 2, 1);
    assert.equal(drift.values().size, 0);
  });

  it('is measured against the stored baseline after a restart', async () => {
    const kept = await records();
    const options = { signal, records: kept, baselineSize: 100, windowSize: 100 };
    const random = createRandom(8);
    const first = createScoreDrift(options);
    for (let query = 0; query < 100; query += 1) {
      first.seen('c', 1, draw(random, 0.6, 0.1));
      await first.idle();
    }
    const [stored] = await kept.list('c', { kinds: ['score_baseline'], limit: 10 });
    assert.equal(stored?.value['generation'], 1);

    const second = createScoreDrift(options);
    second.seen('c', 1, 0.3);
    await second.idle();
    for (let query = 0; query < 100; query += 1) second.seen('c', 1, draw(random, 0.3, 0.1));
    // Its own first scores would have been a baseline without drift.
    assert.ok((second.values().get('c') ?? 0) > 1);
    assert.equal((await kept.list('c', { kinds: ['score_baseline'], limit: 10 })).length, 1);
  });

  it('is measured without a store that answers', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('away'));
    const drift = createScoreDrift({
      signal,
      records: { append: away, list: away },
      baselineSize: 10,
      windowSize: 10,
    });
    drift.seen('c', 1, 0.5);
    await drift.idle();
    for (let query = 0; query < 30; query += 1) drift.seen('c', 1, query / 30);
    await drift.idle();
    assert.equal(drift.values().size, 1);
  });

  it('is the population stability index', () => {
    assert.equal(stabilityIndex([10, 20, 30], [10, 20, 30]), 0);
    // With 0.5 more in both bins: shares 0.6, 0.4 and 0.4, 0.6 of 999 + 1.
    const index = stabilityIndex([599.5, 399.5], [399.5, 599.5]);
    assert.ok(Math.abs(index - 2 * 0.2 * Math.log(1.5)) < 1e-12);
    assert.ok(Number.isFinite(stabilityIndex([10, 0], [0, 10])));
  });

  it('has one bin where all scores are alike', () => {
    assert.deepEqual(baselineOf(1, [2, 2, 2, 2]), { generation: 1, edges: [2], counts: [4, 0] });
  });
});
