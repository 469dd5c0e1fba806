/**
 * Worker threads that embed, each with its own copy of the model.
 *
 * `onnxruntime`'s run blocks its thread, so it is never called on the event loop. Workers are
 * started when there is work for them; each has a few texts in hand, so that it never waits for the
 * event loop to be free; queries overtake documents, and have a core to themselves while they come. An idle pool does not keep the process alive.
 */
import { RetrievalError } from '../../errors.js';
import { createTaskQueue, type Job } from './jobs.js';
import type { WorkerSettings } from './protocol.js';
import { startWorker, type PoolWorker, type WorkerEvents } from './pool-worker.js';

export interface Pool {
  /** Vectors in the order of `texts`. Urgent texts go before all that wait. */
  embed(
    texts: readonly string[],
    options: { readonly urgent: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly Float32Array[]>;
  /** Waits for running calls, then ends the workers. */
  close(): Promise<void>;
}

interface PoolOptions {
  readonly settings: WorkerSettings;
  /** Most workers at once. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  /** The script a worker runs, for tests that make it die. */
  readonly workerUrl?: URL;
  /** For tests that must not depend on how fast the machine is. */
  readonly queryPauseMs?: number;
}

const WORKER_URL = new URL('./worker.js', import.meta.url);

/** A worker with this much in hand is busy for long enough, whatever the event loop does. */
const IN_HAND_TEXTS = 8;
const IN_HAND_CHARACTERS = 4000;

/**
 * How long after a query one worker is left without documents. A query is more than its embedding:
 * with every core embedding documents, its statements and its answer wait for their turns as well.
 */
const QUERY_PAUSE_MS = 250;

/** A text that outlived so many workers is what kills them. */
const MAX_CRASHES = 2;

/** After so many in a row, the workers that there are must do. */
const MAX_FAILED_STARTS = 2;

/**
 * Starts the first worker and waits until it has loaded the model.
 * @throws RetrievalError `embedder_unavailable` when it can't, `cancelled`.
 */
export async function openPool(options: PoolOptions): Promise<Pool> {
  const { threads, signal, queryPauseMs = QUERY_PAUSE_MS } = options;
  const queue = createTaskQueue();
  const jobs = new Set<Job>();
  const workers = new Set<PoolWorker>();
  let failedStarts = 0;
  let closing: Promise<void> | undefined;
  let notifyIdle: (() => void) | undefined;
  let lastQuery = -Infinity;
  let resume: NodeJS.Timeout | undefined;

  const events: WorkerEvents = {
    onReady() {
      failedStarts = 0;
      pump();
    },
    onAnswer(task, message) {
      const { job, index } = task;
      if (!job.settled) {
        if (message.kind === 'vector') {
          job.vectors[index] = message.vector;
          job.unanswered -= 1;
          if (job.unanswered === 0) settle(job);
        } else if (message.kind === 'too_long') {
          settle(job, tooLong(index, message.tokens, options.settings.maxTokens));
        } else if (message.kind === 'failed') {
          settle(job, unavailable(`The model failed on text ${index}: ${message.reason}.`));
        }
      }
      pump();
    },
    onGone(worker, inHand, reason) {
      workers.delete(worker);
      if (!worker.wasReady()) failedStarts += 1;
      for (const task of inHand) {
        if (task.job.settled) continue;
        const crashes = task.crashes + 1;
        if (crashes < MAX_CRASHES) queue.retry({ ...task, crashes });
        else settle(task.job, unavailable(`A worker ended with text ${task.index} twice: ${reason}.`));
      }
      if (failedStarts >= MAX_FAILED_STARTS && workers.size === 0) {
        for (const job of jobs) settle(job, unavailable(`The model's worker cannot start: ${reason}.`));
        // The next call may try again.
        failedStarts = 0;
      }
      pump();
    },
  };

  function settle(job: Job, error?: RetrievalError): void {
    if (job.settled) return;
    job.settled = true;
    jobs.delete(job);
    if (error === undefined) {
      job.resolve();
    } else {
      for (const worker of workers) worker.cancel(job);
      job.reject(error);
    }
    if (jobs.size > 0) return;
    for (const worker of workers) worker.unref();
    notifyIdle?.();
  }

  /** Gives workers what they can take, and starts more workers while there is work for them. */
  function pump(): void {
    give(true);
    give(false);
    if (jobs.size === 0 || failedStarts >= MAX_FAILED_STARTS) return;
    let work = queue.size();
    for (const worker of workers) work += worker.inHand();
    while (workers.size < Math.min(threads, work))
      workers.add(startWorker(options.workerUrl ?? WORKER_URL, options.settings, events));
  }

  /** The worker that gets no documents now, while there are queries and another one to embed documents. */
  function findReserved(): PoolWorker | undefined {
    const wait = lastQuery + queryPauseMs - performance.now();
    if (wait <= 0) return undefined;
    const ready = [...workers].filter((worker) => worker.isReady());
    if (ready.length < 2) return undefined;
    // Documents may wait for it when nothing is left in hand whose answer would bring us here again.
    resume ??= setTimeout(() => {
      resume = undefined;
      pump();
    }, wait).unref();
    return ready.at(-1);
  }

  function give(urgent: boolean): void {
    const reserved = urgent ? undefined : findReserved();
    for (;;) {
      // Towards the end less each, so that all end together; and those still loading get a share.
      const limit = Math.min(IN_HAND_TEXTS, Math.ceil(queue.size() / threads));
      let freest: PoolWorker | undefined;
      for (const worker of workers) {
        if (worker === reserved || !worker.isReady() || worker.inHand(urgent) >= limit) continue;
        if (!urgent && worker.inHand(false) >= 2 && worker.characters() >= IN_HAND_CHARACTERS) continue;
        if (freest === undefined || isFreer(worker, freest, urgent)) freest = worker;
      }
      const task = freest === undefined ? undefined : queue.take(urgent);
      if (freest === undefined || task === undefined) return;
      freest.give(task);
    }
  }

  workers.add(startWorker(options.workerUrl ?? WORKER_URL, options.settings, events));
  await firstReady(workers, signal);
  for (const worker of workers) worker.unref();

  return {
    async embed(texts, { urgent, signal: callSignal }) {
      if (closing !== undefined) throw unavailable('The embedder is closed; open a new one.');
      if (callSignal?.aborted === true) throw cancelled(callSignal.reason);
      if (texts.length === 0) return [];
      for (const worker of workers) worker.ref();
      let onAbort: (() => void) | undefined;
      try {
        return await new Promise<readonly Float32Array[]>((resolve, reject) => {
          const vectors: Float32Array[] = new Array<Float32Array>(texts.length);
          const job: Job = {
            texts,
            vectors,
            urgent,
            next: 0,
            unanswered: texts.length,
            settled: false,
            resolve: () => resolve(vectors),
            reject,
          };
          jobs.add(job);
          queue.add(job);
          if (urgent) lastQuery = performance.now();
          onAbort = () => settle(job, cancelled(callSignal?.reason));
          callSignal?.addEventListener('abort', onAbort, { once: true });
          pump();
        });
      } finally {
        if (onAbort !== undefined) callSignal?.removeEventListener('abort', onAbort);
      }
    },
    close() {
      closing ??= (async () => {
        if (jobs.size > 0) await new Promise<void>((resolve) => (notifyIdle = resolve));
        await Promise.all([...workers].map((worker) => worker.end()));
      })();
      return closing;
    },
  };
}

/** For a query, a worker without one; then, for any text, the one with least in hand. */
function isFreer(a: PoolWorker, b: PoolWorker, urgent: boolean): boolean {
  if (urgent && a.inHand(true) !== b.inHand(true)) return a.inHand(true) < b.inHand(true);
  return a.inHand() < b.inHand();
}

async function firstReady(workers: ReadonlySet<PoolWorker>, signal: AbortSignal | undefined): Promise<void> {
  const [first] = workers;
  if (first === undefined) return;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled(signal?.reason));
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([first.ready, aborted]);
  } catch (error) {
    await first.end();
    if (error instanceof RetrievalError) throw error;
    throw unavailable(
      `The local model cannot be loaded: ${error instanceof Error ? error.message : ''}.`,
      error,
    );
  } finally {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
  }
}

function tooLong(index: number, tokens: number, maxTokens: number): RetrievalError {
  return new RetrievalError(
    'invalid_request',
    `Text ${index} has ${tokens} tokens; the model reads at most ${maxTokens}. Split it: nothing is cut off.`,
    { field: `texts.${index}`, details: { index, tokens, maxTokens } },
  );
}

function unavailable(message: string, cause?: unknown): RetrievalError {
  return new RetrievalError('embedder_unavailable', message, { cause });
}

function cancelled(cause: unknown): RetrievalError {
  return new RetrievalError('cancelled', 'Embedding was cancelled.', { cause });
}
