import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metered } from '../../src/ingest/metered.js';
import { createProgress } from '../../src/ingest/progress.js';
import type { Embedder } from '../../src/embedders/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

/** A remote model of that price, which counts a thousand tokens a text. */
function remote(pricePerThousandTokens: number | null): Embedder {
  const fake = createFakeEmbedder();
  return {
    ...fake,
    remote: { pricePerThousandTokens },
    async embed(texts, options) {
      const vectors = await fake.embed(texts, options);
      for (const [index, vector] of vectors.entries()) options.onPart?.({ index, vector, tokens: 1000 });
      return vectors;
    },
  };
}

async function costOf(
  prices: readonly (number | null)[],
  used: readonly number[],
): Promise<number | null | undefined> {
  const log = createProgress(null);
  const embedders = prices.map((price) => metered(remote(price), log.meter));
  for (const at of used) await embedders[at]?.embed(['a', 'b'], { inputType: 'document' });
  return log.summary(false).spent?.cost;
}

test('each of several models is charged at its own price', async () => {
  assert.equal(await costOf([2, 5], [0]), 4);
  assert.equal(await costOf([2, 5], [0, 1]), 14);
  assert.equal(await costOf([2, 5], [1]), 10);
});

test('one without a price makes the cost unknown once it is used', async () => {
  assert.equal(await costOf([2, null], [0]), 4);
  assert.equal(await costOf([2, null], [0, 1]), null);
});
