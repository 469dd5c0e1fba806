/** The model itself: token ids in, one unit vector out. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { DIMENSIONS } from './models.js';

export type EmbedIds = (ids: readonly number[]) => Promise<Float32Array>;

/**
 * Loads the ONNX file. Each run takes one text, alone: the quantized model scales activations over
 * a whole batch, so a text's vector would depend on its neighbours; alone is also fastest on a CPU.
 */
export async function openSession(weightsPath: string): Promise<EmbedIds> {
  const session = await InferenceSession.create(weightsPath, {
    executionProviders: ['cpu'],
    // The pool has one worker a core; threads inside a run would only wait for each other.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return async (ids) => {
    const shape = [1, ids.length];
    const output = await session.run({
      input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
      token_type_ids: new Tensor('int64', new BigInt64Array(ids.length), shape),
    });
    const data = output['last_hidden_state']?.data;
    if (!(data instanceof Float32Array) || data.length !== ids.length * DIMENSIONS) {
      throw new Error(`the model's last_hidden_state is not ${ids.length} × ${DIMENSIONS} floats`);
    }
    return meanPool(data);
  };
}

/** Mean over tokens (the mask is all ones: one text, no padding), then L2 normalisation. */
function meanPool(hidden: Float32Array): Float32Array {
  // Sums do for means: normalisation takes the number of tokens out again.
  const sums = new Float64Array(DIMENSIONS);
  let squares = 0;
  for (let dimension = 0; dimension < DIMENSIONS; dimension++) {
    let sum = 0;
    for (let at = dimension; at < hidden.length; at += DIMENSIONS) sum += hidden[at] ?? 0;
    sums[dimension] = sum;
    squares += sum * sum;
  }
  const norm = Math.sqrt(squares);
  const vector = new Float32Array(DIMENSIONS);
  for (let dimension = 0; dimension < DIMENSIONS; dimension++)
    vector[dimension] = (sums[dimension] ?? 0) / norm;
  return vector;
}
