/** Runs the process that is watched, and looks at its memory from outside until it is done. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import type { Order, Report } from './messages.js';

export interface Sample {
  /** Chunks written so far. */
  readonly chunks: number;
  readonly stage: string;
  /** Resident memory, in MB of 1,000,000 bytes. */
  readonly rss: number;
}

export interface Watched {
  /** When everything is open and was used once. */
  readonly baseline: number;
  readonly samples: readonly Sample[];
  readonly chunks: number;
  readonly seconds: number;
}

const EVERY_MS = 100;

/** The pipeline in a process of its own, which says how far it is. */
export async function watchPipeline(order: Order): Promise<Watched> {
  const child = fork(new URL('./ingest-worker.js', import.meta.url), [JSON.stringify(order)]);
  const samples: Sample[] = [];
  let now = { chunks: 0, stage: 'ingest' };
  let baseline = 0;
  let seconds = 0;
  let stop = (): void => undefined;
  child.on('message', (message) => {
    const report = message as Report;
    switch (report.kind) {
      case 'ready': {
        baseline = residentMemory(child) ?? 0;
        const began = performance.now();
        const stopSampling = sample(child, (rss) => samples.push({ ...now, rss }));
        stop = () => {
          stopSampling();
          seconds = (performance.now() - began) / 1000;
        };
        child.send('go');
        break;
      }
      case 'progress':
        now = { chunks: report.chunks, stage: report.stage };
        break;
      case 'done':
        now = { ...now, chunks: report.chunks };
        stop();
        break;
      default:
        report satisfies never;
    }
  });
  await succeeded(child);
  stop();
  return { baseline, samples, chunks: now.chunks, seconds };
}

/**
 * `plumbline ingest` with the real model. It does not say how far it is; chunks are taken to be
 * written evenly, which they nearly are.
 */
export async function watchCommand(order: Order, file: string): Promise<Watched> {
  const { baseline } = await watchPipeline({ ...order, chunks: 0 });
  const began = performance.now();
  const child = fork(
    join(packageRoot, 'bin', 'plumbline.js'),
    ['ingest', file, '--collection', order.collection, '--embedder', 'minilm-l6', '--json'],
    { env: { ...process.env, PLUMBLINE_STORE_URL: order.store }, stdio: ['ignore', 'pipe', 'ignore', 'ipc'] },
  );
  const memory: number[] = [];
  const stop = sample(child, (rss) => memory.push(rss));
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (data: string) => {
    output += data;
  });
  await succeeded(child);
  stop();
  const { chunks } = JSON.parse(output) as { readonly chunks: number };
  return {
    baseline,
    samples: memory.map((rss, at) => ({
      rss,
      stage: 'ingest',
      chunks: Math.floor((at / memory.length) * chunks),
    })),
    chunks,
    seconds: (performance.now() - began) / 1000,
  };
}

function sample(child: ChildProcess, take: (rss: number) => void): () => void {
  const timer = setInterval(() => {
    const rss = residentMemory(child);
    if (rss !== null) take(rss);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
  };
}

async function succeeded(child: ChildProcess): Promise<void> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code !== 0) throw new Error(`The watched process ended with ${String(code ?? signal)}`);
}

/** Null when the process is over. */
function residentMemory({ pid }: ChildProcess): number | null {
  let status: string;
  try {
    status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  } catch {
    return null;
  }
  const found = /^VmRSS:\s+(\d+) kB$/mu.exec(status);
  return found === null ? null : (Number(found[1]) * 1024) / 1e6;
}
