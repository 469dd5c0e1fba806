/** Turns within this process: a name's callers run one after the other. */
import { cancelled, throwIfCancelled } from '../../errors.js';

export type Mutex = <T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>) => Promise<T>;

export function createMutex(): Mutex {
  const last = new Map<string, Promise<void>>();
  return async (name, signal, work) => {
    throwIfCancelled(signal);
    const before = last.get(name) ?? Promise.resolve();
    let free = (): void => undefined;
    const turn = new Promise<void>((resolve) => {
      free = resolve;
    });
    const own = before.then(() => turn);
    last.set(name, own);
    try {
      await unlessAborted(before, signal);
      return await work();
    } finally {
      free();
      if (last.get(name) === own) last.delete(name);
    }
  };
}

async function unlessAborted(waiting: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return waiting;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(cancelled(signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([waiting, aborted]);
    throwIfCancelled(signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
