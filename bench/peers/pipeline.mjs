/**
 * The transformers.js pipeline of @xenova/transformers 2.17.2, as its README uses it, in a process of
 * its own. Asked over IPC: {texts, batch} → {ms}.
 *
 * argv: folder with a model folder `minilm` in the hub's layout.
 */
import { env, pipeline } from '@xenova/transformers';

env.localModelPath = process.argv[2];
env.allowRemoteModels = false;
const extract = await pipeline('feature-extraction', 'minilm', { quantized: true });

process.on('message', async ({ texts, batch }) => {
  const started = performance.now();
  const vectors = [];
  for (let at = 0; at < texts.length; at += batch) {
    const output = await extract(texts.slice(at, at + batch), { pooling: 'mean', normalize: true });
    vectors.push(...output.tolist());
  }
  process.send({ ms: performance.now() - started, first: vectors[0] });
});
process.send({ ready: true });
