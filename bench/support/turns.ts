/** Sides of a comparison work slice by slice, in turns: what disturbs the machine disturbs all of them. */

export interface Stopwatch {
  /** Seconds so far. */
  readonly seconds: number;
  time<T>(work: () => Promise<T>): Promise<T>;
}

export function createStopwatch(): Stopwatch {
  let seconds = 0;
  return {
    get seconds() {
      return seconds;
    },
    async time(work) {
      const began = performance.now();
      try {
        return await work();
      } finally {
        seconds += (performance.now() - began) / 1000;
      }
    },
  };
}

/** Gives each slice to every side, one after another; who begins changes from slice to slice. */
export async function takeTurns<T>(
  slices: readonly T[],
  sides: readonly ((slice: T) => Promise<void>)[],
): Promise<void> {
  for (const [index, slice] of slices.entries()) {
    for (let turn = 0; turn < sides.length; turn += 1) await sides[(index + turn) % sides.length]?.(slice);
  }
}
