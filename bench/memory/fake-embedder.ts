/** The real model's tokenizer with drawn vectors: all of ingest but the model. */
import { createHash } from 'node:crypto';
import type { Config } from '../../src/config.js';
import { MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { readTokenizer } from '../../src/embedders/minilm/tokenizer.js';
import { resolveWeights } from '../../src/embedders/minilm/weights.js';
import type { Embedder } from '../../src/embedders/port.js';
import { DIMENSIONS } from '../ann/vectors.js';
import { PIN } from '../load/corpus.js';
import { mulberry32 } from '../support/random.js';

export async function openFakeEmbedder(name: string, { models }: Config): Promise<Embedder> {
  const model = MINILM_MODELS['minilm-l6'];
  const paths = await resolveWeights(model, { ...models, modelDir: models.dir });
  return {
    name,
    pin: PIN,
    tokenizer: await readTokenizer(paths.tokenizer, model.tokenizer.sha256),
    embed: async (texts) => texts.map(toVector),
    async close() {
      // Holds nothing.
    },
  };
}

function toVector(text: string): Float32Array {
  const random = mulberry32(createHash('sha256').update(text).digest().readInt32LE());
  const drawn = Float32Array.from({ length: DIMENSIONS }, () => random() - 0.5);
  const length = Math.hypot(...drawn);
  return drawn.map((value) => value / length);
}
