/** A byte to stdout at every step of a child, so that its parent can end it at any of them. */
import { writeSync } from 'node:fs';

export function mark(): void {
  writeSync(1, '.');
}

/** The same object, which marks before and after every call. */
export function marked<T extends object>(target: T): T {
  return new Proxy(target, {
    get(object, property, receiver) {
      const value: unknown = Reflect.get(object, property, receiver);
      if (typeof value !== 'function') return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        mark();
        const answer: unknown = await Reflect.apply(value, object, args);
        mark();
        return answer;
      };
    },
  });
}
