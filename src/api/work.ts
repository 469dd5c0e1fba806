/** How much is worked on at once, and for how long. */
import { RetrievalError, cancelled, hasCode } from '../errors.js';
import type { CallOptions } from '../stores/port.js';

/** One request's share of the service. */
export interface RequestWork {
  /**
   * Calls into the runtime. Settles as soon as time is up or the client has gone, whether or not
   * the call heeds its signal; until it does the request keeps its place.
   * @throws RetrievalError `timeout` or `cancelled`, and what the call throws
   */
  run<T>(call: (options: CallOptions) => Promise<T>): Promise<T>;
  /** Stops what is running; `error` is what it rejects with. */
  abort(error: RetrievalError): void;
  /** The response is out or lost: frees the place once nothing runs any more. */
  end(): void;
}

export interface WorkPool {
  /** @throws RetrievalError `overloaded` when every place is taken. */
  open(): RequestWork;
  inflight(): number;
  abortAll(error: RetrievalError): void;
}

export function createWorkPool(limits: {
  readonly maxInflight: number;
  readonly timeoutMs: number;
}): WorkPool {
  const open = new Set<RequestWork>();
  return {
    open() {
      if (open.size >= limits.maxInflight) {
        throw new RetrievalError(
          'overloaded',
          `${String(limits.maxInflight)} requests are being worked on already; try again in a moment`,
          { details: { max_inflight: limits.maxInflight } },
        );
      }
      const work = createWork(limits.timeoutMs, () => open.delete(work));
      open.add(work);
      return work;
    },
    inflight: () => open.size,
    abortAll(error) {
      for (const work of [...open]) work.abort(error);
    },
  };
}

function createWork(timeoutMs: number, onDone: () => void): RequestWork {
  const controller = new AbortController();
  const { signal } = controller;
  let running = 0;
  let ended = false;
  const abort = (error: RetrievalError): void => {
    clearTimeout(timer);
    if (!signal.aborted) controller.abort(error);
  };
  const timer = setTimeout(() => {
    abort(
      new RetrievalError('timeout', `The request took longer than ${String(timeoutMs)} ms`, {
        details: { timeout_ms: timeoutMs },
      }),
    );
  }, timeoutMs);

  const settle = (): void => {
    running -= 1;
    if (ended && running === 0) onDone();
  };

  return {
    abort,

    run(call) {
      if (signal.aborted) return Promise.reject(reasonOf(signal));
      running += 1;
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          reject(reasonOf(signal));
        };
        signal.addEventListener('abort', giveUp, { once: true });
        void (async () => call({ signal }))()
          .then(resolve, (error: unknown) => {
            // Why it was cancelled is known here only.
            reject(signal.aborted && hasCode(error, 'cancelled') ? reasonOf(signal) : asError(error));
          })
          .finally(() => {
            signal.removeEventListener('abort', giveUp);
            settle();
          });
      });
    },

    end() {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      if (running === 0) onDone();
    },
  };
}

function reasonOf(signal: AbortSignal): RetrievalError {
  return signal.reason instanceof RetrievalError ? signal.reason : cancelled(signal.reason);
}

function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new RetrievalError('internal', 'Something that is no error was thrown');
}
