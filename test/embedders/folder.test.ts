import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openMiniLmL12 } from '../../src/embedders/minilm/index.js';
import { MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { assertSamePin } from '../../src/pin.js';
import { temporaryFolder } from '../bedrock/embed-support.js';
import { modelFiles } from './model-files.js';

describe("a model from the user's folder", () => {
  let modelDir: string;
  let remove: () => Promise<void> = () => Promise.resolve();
  const folder = (): string => join(modelDir, 'all-MiniLM-L12-v2');
  before(async () => {
    const temporary = await temporaryFolder();
    modelDir = temporary.path;
    remove = () => temporary.remove();
    // The smaller model's files have the same inputs and outputs; nothing here depends on the layers.
    const files = await modelFiles();
    await mkdir(folder());
    await copyFile(files.weights, join(folder(), 'model_quantized.onnx'));
    await copyFile(files.tokenizer, join(folder(), 'tokenizer.json'));
  });
  after(() => remove());

  test('its pin has the hashes of the files, and the window is its own', async () => {
    const embedder = await openMiniLmL12({ modelDir, threads: 1 });
    const { weights, tokenizer } = MINILM_MODELS['minilm-l6'];
    assert.equal(embedder.name, 'minilm-l12');
    assert.equal(embedder.pin.model, 'all-MiniLM-L12-v2');
    assert.equal(embedder.pin.weightsSha256, weights.sha256);
    assert.equal(embedder.pin.tokenizerSha256, tokenizer.sha256);
    assert.equal(embedder.tokenizer.maxTokens, 126);
    const fits = 'sun '.repeat(126);
    assert.equal((await embedder.embed([fits], { inputType: 'document' })).length, 1);
    await assert.rejects(embedder.embed([`${fits}sea`], { inputType: 'document' }), {
      code: 'invalid_request',
      details: { index: 0, tokens: 127, maxTokens: 126 },
    });
    await embedder.close();
  });

  test('another file is another model', async () => {
    const first = await openMiniLmL12({ modelDir, threads: 1 });
    await first.close();
    await appendFile(join(folder(), 'tokenizer.json'), '\n');
    const second = await openMiniLmL12({ modelDir, threads: 1 });
    await second.close();
    assert.throws(() => assertSamePin('notes', first.pin, second.pin), { code: 'model_mismatch' });
  });

  test('without the files it says where they belong', async () => {
    await rm(join(folder(), 'model_quantized.onnx'));
    for (const dir of [modelDir, null]) {
      await assert.rejects(openMiniLmL12({ modelDir: dir, threads: 1 }), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'model_unavailable');
        assert.match(error.message, /all-MiniLM-L12-v2.*PLUMBLINE_MODEL_DIR/u);
        return true;
      });
    }
  });
});
