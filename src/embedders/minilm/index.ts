/** The local all-MiniLM embedders. */
import { RetrievalError } from '../../errors.js';
import type { Pin } from '../../model.js';
import type { Embedder } from '../port.js';
import { hashFolder } from './folder.js';
import { DIMENSIONS, MAX_TOKENS, MINILM_MODELS, type MiniLmName } from './models.js';
import { openPool } from './pool.js';
import type { WorkerSettings } from './protocol.js';
import { readTokenizer } from './tokenizer.js';
import { resolveWeights } from './weights.js';

export interface MiniLmOptions {
  /** `minilm-l6` has int8 weights and is twice as fast; the two are different pins. */
  readonly name: MiniLmName;
  readonly modelDir: string | null;
  readonly cacheDir: string;
  readonly hubUrl: string;
  /** Worker threads, each with its own copy of the model. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

/**
 * Finds the model's files, checks them and loads them.
 * @throws RetrievalError `model_unavailable`, `model_corrupt`, `embedder_unavailable`, `cancelled`.
 */
export async function openMiniLm(options: MiniLmOptions): Promise<Embedder> {
  const model = MINILM_MODELS[options.name];
  const paths = await resolveWeights(model, options);
  const settings = {
    weightsPath: paths.weights,
    tokenizerPath: paths.tokenizer,
    tokenizerSha256: model.tokenizer.sha256,
    maxTokens: MAX_TOKENS,
  };
  return open(model.name, model.pin, settings, options);
}

/**
 * Loads all-MiniLM-L12-v2 from the user's folder. Which files are the right ones is not known here,
 * so its pin has the hashes of those that are found: a collection stays with the files it was made with.
 * @throws RetrievalError `model_unavailable`, `model_corrupt`, `embedder_unavailable`, `cancelled`.
 */
export async function openMiniLmL12(
  options: Pick<MiniLmOptions, 'modelDir' | 'threads' | 'signal'>,
): Promise<Embedder> {
  const { pin, settings } = await hashFolder(options.modelDir, options.signal);
  return open('minilm-l12', pin, settings, options);
}

async function open(
  name: string,
  pin: Pin,
  settings: WorkerSettings,
  { threads, signal: openSignal }: Pick<MiniLmOptions, 'threads' | 'signal'>,
): Promise<Embedder> {
  const [pool, tokenizer] = await Promise.all([
    openPool({ settings, threads, signal: openSignal }),
    readTokenizer(settings.tokenizerPath, settings.tokenizerSha256, settings.maxTokens),
  ]);
  return {
    name,
    pin,
    tokenizer,
    async embed(texts, { inputType, signal }) {
      const vectors = await pool.embed(texts, { urgent: inputType === 'query', signal });
      for (const [index, vector] of vectors.entries()) assertUnitVector(vector, index);
      return vectors;
    },
    close: () => pool.close(),
  };
}

/** A wrong vector in a store is wrong for ever, so each is looked at before it leaves. */
function assertUnitVector(vector: Float32Array, index: number): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  // A NaN or an infinity anywhere makes the sum neither.
  if (vector.length === DIMENSIONS && Math.abs(squares - 1) < 1e-3) return;
  throw new RetrievalError(
    'embedder_invalid_response',
    `The model's vector of text ${index} is not ${DIMENSIONS} finite numbers of unit length.`,
    { details: { index, dimensions: vector.length } },
  );
}
