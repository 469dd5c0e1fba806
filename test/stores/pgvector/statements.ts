/** Strikes at the n-th statement that this process sends to a PostgreSQL, whichever connection it is on. */
import pg from 'pg';

export interface Counting {
  count(): number;
  /** Stops counting; resolves when the strike is over. */
  end(): Promise<void>;
}

type Query = (this: pg.Client, ...args: readonly unknown[]) => unknown;

/** @param strike called once, when statement `at` was sent and before its answer is handed over */
export function countingStatements(at: number, strike: () => Promise<void>): Counting {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const original = prototype.query;
  let count = 0;
  let striking: Promise<void> = Promise.resolve();
  prototype.query = function query(this: pg.Client, ...args) {
    const answer = Reflect.apply(original, this, args);
    if (count >= at) return answer;
    count += 1;
    if (count < at) return answer;
    striking = strike();
    striking.catch(() => undefined);
    if (!(answer instanceof Promise)) return answer;
    answer.catch(() => undefined);
    // Lost or not, it is told only when the strike is over: every run is the same.
    return striking.then(() => answer as Promise<unknown>);
  };
  return {
    count: () => count,
    async end() {
      prototype.query = original;
      await striking;
    },
  };
}
