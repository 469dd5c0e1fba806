import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { env, pipeline } from '@xenova/transformers';
import { loadConfig } from '../../src/config.js';
import type { Embedder } from '../../src/embedders/port.js';
import { EMBEDDERS, openEmbedder } from '../../src/embedders/registry.js';
import { embedderConformance } from '../conformance/embedder/suite.js';
import { modelFiles } from './model-files.js';

const models = { ...loadConfig().models, threads: 2 };
const open = (): Promise<Embedder> => openEmbedder('minilm-l6', models);

embedderConformance('minilm-l6', open);

describe('minilm-l6', () => {
  let embedder: Embedder;
  before(async () => {
    embedder = await open();
  });
  after(() => embedder.close());

  const embed = async (...texts: string[]): Promise<readonly Float32Array[]> =>
    embedder.embed(texts, { inputType: 'document' });

  test('a paraphrase is nearer than another subject', async () => {
    const [question, answer, other] = await embed(
      'How do I restart the database server?',
      'To start the DB again after a crash, run the service command.',
      'Bake the bread for forty minutes until the crust is brown.',
    );
    assert.ok(cosine(question, answer) > cosine(question, other) + 0.3);
  });

  test('vectors are those of the transformers.js pipeline, one text at a time', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'plumbline-pipeline-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const extract = await openPipeline(folder);
    const texts = [
      'This is an example sentence',
      'Größe, naïveté and 漢字.',
      'Reciprocal rank fusion combines ranked lists without looking at their scores. '.repeat(8),
      'x',
    ];
    for (const [index, vector] of (await embed(...texts)).entries()) {
      const output = await extract(texts[index] ?? '', { pooling: 'mean', normalize: true });
      const similarity = cosine(vector, output.data as Float32Array);
      assert.ok(similarity > 0.9999, `text ${index}: ${similarity}`);
    }
  });

  test('a vector is near the one that the model card of sentence-transformers shows', async () => {
    const [vector] = await embed('This is an example sentence');
    const shown = [0.0676569, 0.0634959, 0.0487131, 0.0793049, 0.037448];
    for (const [index, value] of shown.entries()) {
      // Theirs is fp32, ours int8: 0.98 of cosine apart.
      assert.ok(
        Math.abs((vector?.[index] ?? Number.NaN) - value) < 0.02,
        `number ${index}: ${vector?.[index]}`,
      );
    }
  });

  test('documents in work hold up neither the event loop nor a query', async () => {
    const long = 'time water house green music '.repeat(50);
    const documents = embedder.embed(new Array<string>(80).fill(long), { inputType: 'document' });
    let finished = false;
    const done = documents.then(() => (finished = true));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    await embedder.embed(['Which comes first?'], { inputType: 'query' });
    assert.equal(finished, false, 'the query overtook the documents');
    await done;
    clearInterval(timer);
    // Inference on the event loop leaves it about one tick in all this time.
    assert.ok(ticks > 20, `${ticks} ticks`);
  });
});

test('an unknown embedder is refused with the known ones named', async () => {
  await assert.rejects(openEmbedder('word2vec', models), (error: Error) => {
    assert.equal((error as { code?: string }).code, 'invalid_request');
    for (const name of EMBEDDERS) assert.ok(error.message.includes(name));
    return true;
  });
});

/** The reference: another implementation, on the same files. */
async function openPipeline(folder: string) {
  const paths = await modelFiles();
  const model = join(folder, 'minilm');
  await mkdir(join(model, 'onnx'), { recursive: true });
  await symlink(paths.weights, join(model, 'onnx', 'model_quantized.onnx'));
  await symlink(paths.tokenizer, join(model, 'tokenizer.json'));
  await writeFile(join(model, 'config.json'), JSON.stringify({ model_type: 'bert', hidden_size: 384 }));
  await writeFile(
    join(model, 'tokenizer_config.json'),
    JSON.stringify({ tokenizer_class: 'BertTokenizer', model_max_length: 512 }),
  );
  env.localModelPath = folder;
  env.allowRemoteModels = false;
  return pipeline('feature-extraction', 'minilm', { dtype: 'q8' });
}

function cosine(a: Float32Array | undefined, b: Float32Array | undefined): number {
  assert.ok(a !== undefined && b !== undefined);
  let dot = 0;
  for (const [index, value] of a.entries()) dot += value * (b[index] ?? Number.NaN);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}
