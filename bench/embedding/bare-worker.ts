/**
 * onnxruntime and nothing else: takes the next text's ready-made ids off a shared counter until none
 * is left. No tokenising, no pooling, no messages a text: the least work that runs the model.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface BareSlice {
  readonly ids: readonly (readonly number[])[];
  /** One Int32: the next text's index. */
  readonly next: SharedArrayBuffer;
}

const port = parentPort;
if (port === null) throw new Error('This file is a worker thread.');

const session = await InferenceSession.create(workerData as string, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});

port.on('message', ({ ids, next }: BareSlice) => {
  const counter = new Int32Array(next);
  void (async () => {
    for (let at = Atomics.add(counter, 0, 1); at < ids.length; at = Atomics.add(counter, 0, 1)) {
      const one = ids[at] ?? [];
      const shape = [1, one.length];
      await session.run({
        input_ids: new Tensor('int64', BigInt64Array.from(one, BigInt), shape),
        attention_mask: new Tensor('int64', new BigInt64Array(one.length).fill(1n), shape),
        token_type_ids: new Tensor('int64', new BigInt64Array(one.length), shape),
      });
    }
    port.postMessage('done');
  })();
});
port.postMessage('ready');
