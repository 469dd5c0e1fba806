/** A clock that stands still until it is told. */
import type { Clock } from '../../../src/embedders/bedrock/pace.js';

export interface TestClock extends Clock {
  /** Goes on, waking whoever is due on the way, in order. */
  advance(milliseconds: number): void;
}

export function createTestClock(): TestClock {
  let now = 0;
  let alarms: { readonly at: number; readonly run: () => void }[] = [];
  return {
    now: () => now,
    after(milliseconds, run) {
      const alarm = { at: now + milliseconds, run };
      alarms.push(alarm);
      return () => {
        alarms = alarms.filter((other) => other !== alarm);
      };
    },
    advance(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [next] = alarms.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        alarms = alarms.filter((other) => other !== next);
        now = next.at;
        next.run();
      }
      now = end;
    },
  };
}
