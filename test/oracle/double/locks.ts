/** Locks with waiting lines: of rows, and of the one session that all connections share. */
import { oracleError } from './errors.js';

interface Waiter {
  readonly owner: object;
  readonly grant: () => void;
  readonly refuse: (error: Error) => void;
}

export interface Locks {
  acquire(owner: object, key: string): Promise<void>;
  release(owner: object, key: string): void;
  releaseAll(owner: object): void;
  /** Ends an owner's waiting, as a break does. */
  interrupt(owner: object): void;
}

export function createLocks(): Locks {
  const held = new Map<string, { owner: object; waiting: Waiter[] }>();

  const release = (owner: object, key: string): void => {
    const lock = held.get(key);
    if (lock?.owner !== owner) return;
    const next = lock.waiting.shift();
    if (next === undefined) {
      held.delete(key);
    } else {
      lock.owner = next.owner;
      next.grant();
    }
  };

  return {
    acquire(owner, key) {
      const lock = held.get(key);
      if (lock === undefined) {
        held.set(key, { owner, waiting: [] });
        return Promise.resolve();
      }
      if (lock.owner === owner) return Promise.resolve();
      return new Promise((grant, refuse) => {
        lock.waiting.push({ owner, grant, refuse });
      });
    },
    release,
    releaseAll(owner) {
      for (const key of [...held.keys()]) release(owner, key);
    },
    interrupt(owner) {
      for (const lock of held.values()) {
        for (const waiter of lock.waiting.filter((one) => one.owner === owner)) {
          lock.waiting.splice(lock.waiting.indexOf(waiter), 1);
          waiter.refuse(oracleError(1013, 'user requested cancel of current operation'));
        }
      }
    },
  };
}
