/** Builds that go on in the service while its caller does other things. */
import { RetrievalError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { Author, BuildProgress, Generations } from './types.js';

export interface BuildStatus {
  readonly state: 'running' | 'done' | 'failed';
  readonly progress: BuildProgress | null;
  /** Why it failed. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface BackgroundBuilds {
  /** Starts a build unless it is running already. */
  start(collection: string, generation: number, author: Author): void;
  /** What became of the latest build of this process; null when there was none. */
  status(collection: string, generation: number): BuildStatus | null;
  /** Stops all builds; what they finished is kept, and a later build goes on. */
  close(): Promise<void>;
}

export function createBackgroundBuilds(generations: Pick<Generations, 'build'>): BackgroundBuilds {
  const stopped = new AbortController();
  const statuses = new Map<string, BuildStatus>();
  const running = new Set<Promise<void>>();
  const keyOf = (collection: string, generation: number): string => `${collection}/${String(generation)}`;

  return {
    start(collection, generation, author) {
      const key = keyOf(collection, generation);
      if (statuses.get(key)?.state === 'running') return;
      let progress: BuildProgress | null = null;
      statuses.set(key, { state: 'running', progress, error: null });
      const work = generations
        .build(collection, generation, author, {
          signal: stopped.signal,
          onProgress: (now) => {
            progress = now;
            statuses.set(key, { state: 'running', progress, error: null });
          },
        })
        .then(
          () => {
            statuses.set(key, { state: 'done', progress, error: null });
          },
          (error: unknown) => {
            const { code, message } =
              error instanceof RetrievalError
                ? error
                : new RetrievalError('internal', 'The build stopped for an unknown reason');
            statuses.set(key, { state: 'failed', progress, error: { code, message } });
          },
        )
        .finally(() => {
          running.delete(work);
        });
      running.add(work);
    },
    status: (collection, generation) => statuses.get(keyOf(collection, generation)) ?? null,
    async close() {
      stopped.abort();
      await Promise.all(running);
    },
  };
}
