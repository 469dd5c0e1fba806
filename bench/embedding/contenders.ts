/** What is compared: each takes a slice of texts and answers the seconds it took. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import type { ModelPaths } from '../../src/embedders/minilm/weights.js';
import type { MiniLmTokenizer } from '../../src/embedders/minilm/tokenizer.js';
import type { Embedder } from '../../src/embedders/port.js';
import { packageRoot } from '../../src/package-root.js';
import type { BareSlice } from './bare-worker.js';

export interface Contender {
  readonly name: string;
  run(texts: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/** Ours, as ingest calls it; with the longest time the event loop was held up meanwhile. */
export function plumbline(embedder: Embedder): Contender & { maxDelayMs(): number } {
  let maxDelay = 0;
  return {
    name: 'Plumbline',
    async run(texts) {
      // A new one each time: enabled again, one counts the time it was disabled as delay.
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const started = performance.now();
      await embedder.embed(texts, { inputType: 'document' });
      const seconds = (performance.now() - started) / 1000;
      delay.disable();
      maxDelay = Math.max(maxDelay, delay.max / 1e6);
      return seconds;
    },
    maxDelayMs: () => maxDelay,
    close: () => embedder.close(),
  };
}

export async function bareOnnxruntime(
  paths: ModelPaths,
  tokenizer: MiniLmTokenizer,
  threads: number,
): Promise<Contender> {
  const url = new URL('./bare-worker.js', import.meta.url);
  const workers = Array.from({ length: threads }, () => new Worker(url, { workerData: paths.weights }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  return {
    name: 'bare onnxruntime-node',
    async run(texts) {
      const slice: BareSlice = {
        ids: texts.map((text) => tokenizer.encode(text)),
        next: new SharedArrayBuffer(4),
      };
      const started = performance.now();
      const done = workers.map((worker) => once(worker, 'message'));
      for (const worker of workers) worker.postMessage(slice);
      await Promise.all(done);
      return (performance.now() - started) / 1000;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** The transformers.js pipeline in a process of its own, with one batch size or several. */
export async function transformersPipelines(
  paths: ModelPaths,
  batches: readonly number[],
): Promise<readonly Contender[]> {
  const peers = join(packageRoot, 'bench', 'peers');
  if (!existsSync(join(peers, 'node_modules', '@xenova', 'transformers'))) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: peers,
      stdio: 'inherit',
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
  const model = join(folder, 'minilm');
  await mkdir(join(model, 'onnx'), { recursive: true });
  await symlink(paths.weights, join(model, 'onnx', 'model_quantized.onnx'));
  await symlink(paths.tokenizer, join(model, 'tokenizer.json'));
  await writeFile(join(model, 'config.json'), JSON.stringify({ model_type: 'bert' }));
  await writeFile(
    join(model, 'tokenizer_config.json'),
    JSON.stringify({
      ...{ tokenizer_class: 'BertTokenizer', model_max_length: 512, do_lower_case: true },
      ...{
        cls_token: '[CLS]',
        sep_token: '[SEP]',
        pad_token: '[PAD]',
        unk_token: '[UNK]',
        mask_token: '[MASK]',
      },
    }),
  );
  const child = fork(join(peers, 'pipeline.mjs'), [folder]);
  const died = once(child, 'exit').then(() => Promise.reject(new Error("The pipeline's process ended.")));
  died.catch(() => undefined);
  const answer = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), died])) as unknown[];
    return message;
  };
  await answer();
  return batches.map((batch) => ({
    name:
      batch === 1 ? 'transformers.js pipeline, one at a time' : `transformers.js pipeline, batch ${batch}`,
    async run(texts) {
      const answered = answer();
      child.send({ texts, batch });
      return ((await answered) as { readonly ms: number }).ms / 1000;
    },
    async close() {
      child.kill();
      await rm(folder, { recursive: true, force: true });
    },
  }));
}
