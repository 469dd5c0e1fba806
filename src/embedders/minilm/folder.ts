/** all-MiniLM-L12-v2 from a folder of the user's, pinned to the very files in it. */
import { join } from 'node:path';
import { RetrievalError, throwIfCancelled } from '../../errors.js';
import type { Pin } from '../../model.js';
import { hashFile } from './files.js';
import { DIMENSIONS } from './models.js';
import type { WorkerSettings } from './protocol.js';

const MODEL_ID = 'all-MiniLM-L12-v2';
/** Beside the files of all-MiniLM-L6-v2, which have the same names. */
const FOLDER = MODEL_ID;
const WEIGHTS = [
  { file: 'model_quantized.onnx', precision: 'int8' },
  { file: 'model.onnx', precision: 'fp32' },
] as const;
/** The model was trained on 128 word pieces; two of them are [CLS] and [SEP]. */
const MAX_TOKENS = 126;

/** @throws RetrievalError `model_unavailable` when a file is not there; `cancelled` */
export async function hashFolder(
  modelDir: string | null,
  signal: AbortSignal | undefined,
): Promise<{ readonly pin: Pin; readonly settings: WorkerSettings }> {
  if (modelDir === null) throw unavailable();
  const folder = join(modelDir, FOLDER);
  const tokenizerPath = join(folder, 'tokenizer.json');
  const tokenizerSha256 = await sha256(tokenizerPath, signal);
  for (const { file, precision } of WEIGHTS) {
    const weightsPath = join(folder, file);
    const weightsSha256 = await sha256(weightsPath, signal);
    if (weightsSha256 === null || tokenizerSha256 === null) continue;
    return {
      pin: {
        provider: 'local',
        model: MODEL_ID,
        revision: 'folder',
        weightsSha256,
        tokenizerSha256,
        dimensions: DIMENSIONS,
        pooling: 'mean',
        normalized: true,
        precision,
        documentPrefix: '',
        queryPrefix: '',
      },
      settings: { weightsPath, tokenizerPath, tokenizerSha256, maxTokens: MAX_TOKENS },
    };
  }
  throw unavailable();
}

/** Null when there is no such file. */
async function sha256(path: string, signal: AbortSignal | undefined): Promise<string | null> {
  try {
    return await hashFile(path, signal);
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
}

function unavailable(): RetrievalError {
  return new RetrievalError(
    'model_unavailable',
    `${MODEL_ID} is not fetched: put its ${WEIGHTS.map(({ file }) => file).join(' or ')} and its tokenizer.json into the folder ${FOLDER} inside the one that PLUMBLINE_MODEL_DIR names.`,
    { field: 'PLUMBLINE_MODEL_DIR' },
  );
}
