/** Gates that go on in the service while their caller does other things. */
import { RetrievalError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { GateProgress, PreparedGate } from './gate.js';

export interface GateStatus {
  readonly state: 'running' | 'done' | 'failed';
  /** Null before the first stage. */
  readonly progress: GateProgress | null;
  /** Why it could not be run to its end; a gate that judged and refused is `done`. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface BackgroundGates {
  /**
   * Runs a gate; settles when it has been found possible and goes on.
   * @throws RetrievalError `overloaded` while another gate is run, and what preparing throws
   */
  start(collection: string, generation: number, prepare: () => Promise<PreparedGate>): Promise<void>;
  /** What became of the latest gate of this process; null when there was none. */
  status(collection: string, generation: number): GateStatus | null;
  /** Stops the gate that is run. It leaves no verdict. */
  close(): Promise<void>;
}

/** Generations whose latest gate is remembered. */
const MAX_STATUSES = 1000;

export function createBackgroundGates(): BackgroundGates {
  const stopped = new AbortController();
  const statuses = new Map<string, GateStatus>();
  // One at a time: a gate measures latency, which another one would spoil.
  let isTaken = false;
  let running: Promise<void> | null = null;
  const keyOf = (collection: string, generation: number): string => `${collection}/${String(generation)}`;
  const remember = (key: string, status: GateStatus): void => {
    statuses.delete(key);
    statuses.set(key, status);
    const [oldest] = statuses.keys();
    if (statuses.size > MAX_STATUSES && oldest !== undefined) statuses.delete(oldest);
  };
  const run = async (key: string, gate: PreparedGate): Promise<void> => {
    let progress: GateProgress | null = null;
    remember(key, { state: 'running', progress, error: null });
    try {
      await gate({
        signal: stopped.signal,
        onProgress: (now) => {
          progress = now;
          remember(key, { state: 'running', progress, error: null });
        },
      });
      remember(key, { state: 'done', progress, error: null });
    } catch (error) {
      const { code, message } =
        error instanceof RetrievalError
          ? error
          : new RetrievalError('internal', 'The gate stopped for an unknown reason');
      remember(key, { state: 'failed', progress, error: { code, message } });
    }
  };

  const assertOpen = (): void => {
    if (!stopped.signal.aborted) return;
    throw new RetrievalError('overloaded', 'The service is going down; ask another one');
  };

  return {
    async start(collection, generation, prepare) {
      assertOpen();
      if (isTaken) {
        throw new RetrievalError(
          'overloaded',
          'A gate is being run; one is run at a time, so that none spoils the latency of the other. Try again when it is done',
        );
      }
      isTaken = true;
      try {
        const gate = await prepare();
        assertOpen();
        running = run(keyOf(collection, generation), gate).finally(() => {
          isTaken = false;
        });
      } catch (error) {
        isTaken = false;
        throw error;
      }
    },
    status: (collection, generation) => statuses.get(keyOf(collection, generation)) ?? null,
    async close() {
      stopped.abort();
      await running;
    },
  };
}
