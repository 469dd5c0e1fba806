import { loadConfig } from '../../src/config.js';
import { MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { resolveWeights, type ModelPaths } from '../../src/embedders/minilm/weights.js';

/** The default model's files, found the way the service finds them. */
export async function modelFiles(): Promise<ModelPaths> {
  const { dir, cacheDir, hubUrl } = loadConfig().models;
  return resolveWeights(MINILM_MODELS['minilm-l6'], { modelDir: dir, cacheDir, hubUrl });
}
