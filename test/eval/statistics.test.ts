import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import {
  bootstrapInterval,
  bootstrapping,
  bootstrappingAll,
  mean,
  quantile,
  randomisationTest,
  randomising,
} from '../../eval/statistics.js';
import { atOnce, inTurns } from '../../src/chunking/steps.js';
import { packageRoot } from '../../src/package-root.js';

const schema = z.object({
  permutation: z.array(z.object({ differences: z.array(z.number()), p: z.number() })),
});

test('p equals that of SciPy: exactly for few differences, within sampling error for many', async () => {
  const path = join(packageRoot, 'test', 'eval', 'fixtures', 'reference.json');
  const { permutation } = schema.parse(JSON.parse(await readFile(path, 'utf8')));
  assert.equal(permutation.length, 5);
  for (const { differences, p } of permutation) {
    const exact = differences.filter((difference) => difference !== 0).length <= 16;
    // Five standard errors of the difference of two estimates, from 100,000 and 200,000 draws.
    const tolerance = exact ? 1e-9 : 5 * Math.sqrt(p * (1 - p) * (1 / 100_000 + 1 / 200_000)) + 1e-5;
    assert.ok(Math.abs(randomisationTest(differences) - p) <= tolerance, String(p));
  }
});

test('no difference gives p = 1; a clear one a small p; none gives 0', () => {
  assert.equal(randomisationTest([]), 1);
  assert.equal(randomisationTest([0, 0, 0]), 1);
  assert.equal(randomisationTest([0.5, -0.5]), 1);
  assert.equal(randomisationTest(Array.from({ length: 10 }, () => 0.1)), 2 / 1024);
  const clear = randomisationTest(Array.from({ length: 100 }, (_, at) => 0.1 + (at % 7) / 100));
  assert.ok(clear > 0 && clear < 1e-4);
});

test('property: p does not depend on the direction, and lies in (0, 1]', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -8, max: 8 }), { maxLength: 12 }), (eighths) => {
      const differences = eighths.map((value) => value / 8);
      const p = randomisationTest(differences);
      assert.ok(p > 0 && p <= 1);
      assert.equal(p, randomisationTest(differences.map((value) => -value)));
    }),
    { seed: 3, numRuns: 100 },
  );
});

test('resampling is repeatable', () => {
  const values = Array.from({ length: 60 }, (_, at) => Math.sin(at * at));
  assert.equal(randomisationTest(values), randomisationTest(values));
  assert.deepEqual(bootstrapInterval(values), bootstrapInterval(values));
});

test('the interval is that of a normal mean, for many values', () => {
  // Evenly spread over [0, 1]: deviation 0.2887, standard error 0.01443 with 400 values.
  const values = Array.from({ length: 400 }, (_, at) => (at + 0.5) / 400);
  const [low, high] = bootstrapInterval(values);
  assert.ok(Math.abs(low - (0.5 - 1.96 * 0.01443)) < 0.002, String(low));
  assert.ok(Math.abs(high - (0.5 + 1.96 * 0.01443)) < 0.002, String(high));
  assert.deepEqual(bootstrapInterval([0.3]), [0.3, 0.3]);
});

test('quantiles are linear between neighbours', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(quantile([10, 20], 0.95), 19.5);
  assert.equal(quantile([7], 0.95), 7);
  assert.equal(quantile([], 0.5), 0);
  assert.equal(mean([]), 0);
});

test('what is computed in turns comes to the same, lets others run, and can be stopped', async () => {
  const values = Array.from({ length: 400 }, (_, at) => ((at * 7) % 13) / 13 - 0.45);
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  assert.equal(await inTurns(randomising(values), undefined, 0), randomisationTest(values));
  assert.deepEqual(await inTurns(bootstrapping(values), undefined, 0), bootstrapInterval(values));
  const others = values.map((value) => value / 3);
  assert.deepEqual(atOnce(bootstrappingAll([values, others])), [
    bootstrapInterval(values),
    bootstrapInterval(others),
  ]);
  isOver = true;
  assert.ok(turns > 50, String(turns));

  const controller = new AbortController();
  const stopped = inTurns(randomising(values), controller.signal, 0);
  controller.abort();
  await assert.rejects(stopped, { code: 'cancelled' });
});
