/** The embedders of a runtime: each opened once, remote ones watched. */
import type { Embedder } from './port.js';
import { watchModel } from './canaries.js';
import type { WatchedEmbedder } from './canaries.js';

export interface EmbeddersOptions {
  readonly open: (name: string) => Promise<Embedder>;
  /** How often a remote model is measured while the process lives. */
  readonly canaryIntervalMs: number;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface Embedders {
  /** With a pin that says what a remote model is now, by its canaries. */
  readonly open: (name: string) => Promise<Embedder>;
  /** The same, measured lately: before much is written with it. */
  readonly openMeasured: (name: string) => Promise<Embedder>;
  /** Without asking a provider anything: for counting tokens. */
  readonly openUnwatched: (name: string) => Promise<Embedder>;
  close(): Promise<void>;
}

/** An ingest begins with a measurement no older than this. */
const LATELY_MS = 10 * 60_000;

export function createEmbedders(options: EmbeddersOptions): Embedders {
  const now = (): number => performance.now();
  const opened = createOnce(options.open);
  const timers = new Set<NodeJS.Timeout>();

  const watch = (embedder: WatchedEmbedder): void => {
    const timer = setInterval(() => {
      embedder.measure(0).catch((error: unknown) => {
        options.onNotice?.(
          `${embedder.name} could not be checked: ${error instanceof Error ? error.message : 'for an unknown reason'}`,
        );
      });
    }, options.canaryIntervalMs);
    timer.unref();
    timers.add(timer);
  };
  const watched = createOnce(async (name: string): Promise<Embedder | WatchedEmbedder> => {
    const embedder = await opened.get(name);
    if (embedder.remote === undefined) return embedder;
    const watching = await watchModel(embedder, { now, onNotice: options.onNotice });
    watch(watching);
    return watching;
  });

  return {
    open: (name) => watched.get(name),
    async openMeasured(name) {
      const embedder = await watched.get(name);
      if ('measure' in embedder) await embedder.measure(Math.min(LATELY_MS, options.canaryIntervalMs));
      return embedder;
    },
    openUnwatched: (name) => opened.get(name),
    async close() {
      for (const timer of timers) clearInterval(timer);
      const results = await Promise.allSettled(opened.all());
      await Promise.all(
        results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.close()] : [])),
      );
    },
  };
}

interface Once<T> {
  get(name: string): Promise<T>;
  all(): Iterable<Promise<T>>;
}

function createOnce<T>(make: (name: string) => Promise<T>): Once<T> {
  const made = new Map<string, Promise<T>>();
  return {
    get(name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      const making = make(name);
      made.set(name, making);
      // A model that could not be had now may be had later.
      making.catch(() => made.delete(name));
      return making;
    },
    all: () => made.values(),
  };
}
