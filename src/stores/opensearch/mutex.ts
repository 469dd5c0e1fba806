/** Turns within this process: a name's callers run one after the other. */
import { throwIfCancelled } from '../../errors.js';
import { unlessAborted } from './abort.js';

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
