/**
 * An embedder without a model, with the real model's tokenizer: chunks are cut as users' are, and
 * no time goes into vectors that nobody looks at.
 */
import { createHash } from 'node:crypto';
import type { Config } from '../../src/config.js';
import { MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { readTokenizer } from '../../src/embedders/minilm/tokenizer.js';
import { resolveWeights } from '../../src/embedders/minilm/weights.js';
import type { Embedder } from '../../src/embedders/port.js';

const DIMENSIONS = 384;

export async function openHashEmbedder(name: string, { models }: Config): Promise<Embedder> {
  const { tokenizer, pin, ...model } = MINILM_MODELS['minilm-l6'];
  const paths = await resolveWeights({ tokenizer, pin, ...model }, { ...models, modelDir: models.dir });
  return {
    name,
    pin: {
      ...pin,
      provider: 'bench',
      model: 'hash',
      weightsSha256: null,
      dimensions: DIMENSIONS,
      normalized: false,
    },
    tokenizer: await readTokenizer(paths.tokenizer, tokenizer.sha256),
    embed: async (texts) => texts.map(toVector),
    async close() {
      // Holds nothing.
    },
  };
}

function toVector(text: string): Float32Array {
  const hash = createHash('sha256').update(text).digest();
  return Float32Array.from({ length: DIMENSIONS }, (_, index) => (hash[index % hash.length] ?? 0) + 1);
}
