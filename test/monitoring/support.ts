/** A service that is watched, and ways to read its figures. */
import type { TestContext } from 'node:test';
import type { App } from '../../src/api/app.js';
import { createApp } from '../../src/api/app.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { CONFIG } from '../api/support.js';

export interface WatchedService {
  readonly runtime: Runtime;
  readonly app: App;
  /** Lines of the log, requests and figures alike. */
  readonly lines: string[];
  /** All samples of `/metrics`. */
  samples(): Promise<readonly Sample[]>;
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The app over a runtime; closed when the test ends. */
export async function openWatched(
  t: TestContext,
  environment: Readonly<Record<string, string>> = {},
  store: VectorStore = createMemoryStore(),
): Promise<WatchedService> {
  const embedder = createFakeEmbedder();
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:', ...environment }), {
    store,
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
  const lines: string[] = [];
  const app = await createApp({
    runtime,
    config: CONFIG,
    version: '1.2.3',
    logSink: { write: (line) => lines.push(line) },
  });
  t.after(async () => {
    await app.fastify.close();
    await runtime.close();
  });
  return {
    runtime,
    app,
    lines,
    samples: async () => readSamples((await app.fastify.inject('/metrics')).body),
  };
}

/** Reads Prometheus' text format, as far as this service writes it. */
export function readSamples(text: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/u.exec(line) ?? [];
    if (name === undefined || line.startsWith('#')) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gu)].map(
      ([, key, of]) => [key ?? '', of ?? ''] as const,
    );
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** The value of the one series of that name with these labels; undefined where there is none. */
export function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;
}

/** Asks until it holds; rounds of the event loop pass between. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}
