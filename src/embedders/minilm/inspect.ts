/** Whether a local model's files are there, without fetching any. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pin } from '../../model.js';
import { cachePath, checkFile } from './files.js';
import { MINILM_MODELS } from './models.js';
import type { MiniLmName, ModelFile } from './models.js';

export interface LocalModelState {
  readonly name: string;
  readonly pin: Pin;
  readonly files: 'present' | 'missing' | 'corrupt';
}

export interface LookOptions {
  readonly dir: string | null;
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
}

export async function inspectMiniLm(name: MiniLmName, options: LookOptions): Promise<LocalModelState> {
  const { weights, tokenizer, pin } = MINILM_MODELS[name];
  const states = await Promise.all([weights, tokenizer].map((file) => stateOf(file, options)));
  const files = states.includes('corrupt') ? 'corrupt' : states.includes('missing') ? 'missing' : 'present';
  return { name, pin, files };
}

/** The same places in the same order as when the model is opened. */
async function stateOf(
  file: ModelFile,
  { dir, cacheDir, signal }: LookOptions,
): Promise<LocalModelState['files']> {
  const inFolder = dir === null ? [] : [join(dir, file.name), join(dir, 'onnx', file.name)];
  for (const path of [...inFolder, cachePath(cacheDir, file)]) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    return (await checkFile(path, file, signal)) === 'ok' ? 'present' : 'corrupt';
  }
  return 'missing';
}
