/**
 * How many requests may be under way, and how soon the next may begin: budgets a minute, and a
 * concurrency that grows while the provider lets it and halves when it throttles.
 */

/** The time, and being woken; tests have their own. */
export interface Clock {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Calls `run` after that time, unless what it answers is called first. */
  after(milliseconds: number, run: () => void): () => void;
}

export interface PaceLimits {
  /** Null: no budget. */
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrency: number;
}

export interface Pace {
  /** Milliseconds until such a request may begin; Infinity while it waits for another to end. */
  waitFor(tokens: number, urgent: boolean): number;
  /** A request begins. What it answers is called once, when it has ended. */
  begin(tokens: number): (end: RequestEnd) => void;
  /** Most tokens that a request should have, so that budgets are kept over any minute. */
  readonly largestRequest: number;
  running(): number;
  /** The concurrency allowed now. */
  limit(): number;
}

export type RequestEnd =
  /** `tokens` as the provider counted them. */
  | { readonly kind: 'answered'; readonly tokens: number }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | null }
  | { readonly kind: 'failed'; readonly retryAfterMs: number | null };

const MINUTE = 60_000;
/** What may be spent at once; the rest comes evenly, so no minute has more than the budget. */
const BURST_SHARE = 0.04;
const FIRST_CONCURRENCY = 4;
/** A question need not wait behind documents. */
const URGENT_EXTRA = 1;

export function createPace(limits: PaceLimits, clock: Clock): Pace {
  const requests = limits.requestsPerMinute === null ? null : createBucket(limits.requestsPerMinute, clock);
  const tokens = limits.tokensPerMinute === null ? null : createBucket(limits.tokensPerMinute, clock);
  let allowed = Math.min(FIRST_CONCURRENCY, limits.concurrency);
  let wasThrottled = false;
  let running = 0;
  let pausedUntil = 0;
  /** Requests that began before are not asked about the limit that came after. */
  let lastDecrease = 0;
  let sequence = 0;

  const limit = (): number => Math.max(1, Math.floor(allowed));
  const pause = (retryAfterMs: number | null): void => {
    if (retryAfterMs !== null) pausedUntil = Math.max(pausedUntil, clock.now() + retryAfterMs);
  };

  return {
    largestRequest: tokens?.capacity ?? Infinity,
    running: () => running,
    limit,
    waitFor(cost, urgent) {
      if (running >= limit() + (urgent ? URGENT_EXTRA : 0)) return Infinity;
      return Math.max(0, pausedUntil - clock.now(), requests?.waitFor(1) ?? 0, tokens?.waitFor(cost) ?? 0);
    },
    begin(cost) {
      requests?.take(1);
      tokens?.take(cost);
      running += 1;
      const isFull = running >= limit();
      sequence += 1;
      const number = sequence;
      return (end) => {
        running -= 1;
        switch (end.kind) {
          case 'answered':
            tokens?.take(end.tokens - cost);
            // Only a limit that is reached has proved itself. At first by doubling, then by one a round.
            if (isFull && number > lastDecrease) allowed += wasThrottled ? 1 / allowed : 1;
            allowed = Math.min(allowed, limits.concurrency);
            return;
          case 'throttled':
            pause(end.retryAfterMs);
            wasThrottled = true;
            if (number <= lastDecrease) return;
            lastDecrease = sequence;
            allowed = Math.max(1, limit() / 2);
            return;
          case 'failed':
            pause(end.retryAfterMs);
            return;
          default:
            end satisfies never;
        }
      };
    },
  };
}

interface Bucket {
  readonly capacity: number;
  waitFor(cost: number): number;
  take(cost: number): void;
}

/** A token bucket; of what costs more than it holds, the rest is owed. */
function createBucket(perMinute: number, clock: Clock): Bucket {
  const capacity = Math.max(1, perMinute * BURST_SHARE);
  const perMillisecond = Math.max(perMinute - capacity, perMinute / 2) / MINUTE;
  let level = capacity;
  let at = clock.now();
  const refill = (): void => {
    const now = clock.now();
    level = Math.min(capacity, level + (now - at) * perMillisecond);
    at = now;
  };
  return {
    capacity,
    waitFor(cost) {
      refill();
      const missing = Math.min(cost, capacity) - level;
      // Less is what sums of fractions leave over.
      return missing < 1e-6 ? 0 : missing / perMillisecond;
    },
    take(cost) {
      refill();
      level = Math.min(capacity, level - cost);
    },
  };
}
