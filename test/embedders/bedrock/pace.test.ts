import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPace } from '../../../src/embedders/bedrock/pace.js';
import type { Pace, RequestEnd } from '../../../src/embedders/bedrock/pace.js';
import { createTestClock } from './clock.js';

const MINUTE = 60_000;
const ANSWERED: RequestEnd = { kind: 'answered', tokens: 1 };
const THROTTLED: RequestEnd = { kind: 'throttled', retryAfterMs: null };

/** Requests that end at once, for `ms`; answers when each began. */
function beginnings(ms: number, requestsPerMinute: number): readonly number[] {
  const clock = createTestClock();
  const pace = createPace({ requestsPerMinute, tokensPerMinute: null, concurrency: 8 }, clock);
  const began: number[] = [];
  while (clock.now() < ms) {
    clock.advance(pace.waitFor(1, false));
    began.push(clock.now());
    pace.begin(1)(ANSWERED);
  }
  return began;
}

/** Most that falls into any minute. */
function busiestMinute(began: readonly number[], weight: (index: number) => number): number {
  let busiest = 0;
  for (const [index, at] of began.entries()) {
    let sum = 0;
    for (let next = index; next < began.length && (began[next] ?? Infinity) < at + MINUTE; next += 1) {
      sum += weight(next);
    }
    busiest = Math.max(busiest, sum);
  }
  return busiest;
}

describe('budgets', () => {
  for (const requests of [10, 60, 600, 2000]) {
    test(`${String(requests)} requests a minute: no minute has more, and nine tenths are used`, () => {
      const began = beginnings(4 * MINUTE, requests);
      assert.ok(busiestMinute(began, () => 1) <= requests + 1e-6);
      assert.ok(began.length >= 4 * requests * 0.9, `${String(began.length)} of ${String(4 * requests)}`);
    });
  }

  test('tokens a minute, in requests of all sizes', () => {
    const clock = createTestClock();
    const pace = createPace({ requestsPerMinute: null, tokensPerMinute: 100_000, concurrency: 8 }, clock);
    const spent: { at: number; tokens: number }[] = [];
    for (let index = 0; clock.now() < 3 * MINUTE; index += 1) {
      const tokens = 50 + ((index * 7919) % 3900);
      clock.advance(pace.waitFor(tokens, false));
      spent.push({ at: clock.now(), tokens });
      pace.begin(tokens)({ kind: 'answered', tokens });
    }
    const times = spent.map(({ at }) => at);
    assert.ok(busiestMinute(times, (index) => spent[index]?.tokens ?? 0) <= 100_000);
    assert.ok(spent.reduce((sum, { tokens }) => sum + tokens, 0) >= 3 * 100_000 * 0.9);
  });

  test('what the provider counts is what is spent', () => {
    const clock = createTestClock();
    const pace = createPace({ requestsPerMinute: null, tokensPerMinute: 60_000, concurrency: 8 }, clock);
    pace.begin(100)({ kind: 'answered', tokens: 2400 });
    assert.ok(pace.waitFor(100, false) > 0, 'it was more than was thought');
  });

  test('a budget smaller than one request lets it through, and makes the next wait', () => {
    const clock = createTestClock();
    const pace = createPace({ requestsPerMinute: null, tokensPerMinute: 1000, concurrency: 8 }, clock);
    assert.equal(pace.waitFor(8000, false), 0);
    pace.begin(8000)({ kind: 'answered', tokens: 8000 });
    assert.ok(pace.waitFor(10, false) > 7 * MINUTE);
  });
});

describe('concurrency', () => {
  const open = (
    concurrency = 64,
  ): { readonly pace: Pace; readonly clock: ReturnType<typeof createTestClock> } => {
    const clock = createTestClock();
    return {
      clock,
      pace: createPace({ requestsPerMinute: null, tokensPerMinute: null, concurrency }, clock),
    };
  };
  /** Begins as many as may be, and ends them all the same way. */
  const round = (pace: Pace, end: RequestEnd): number => {
    const ends: ((end: RequestEnd) => void)[] = [];
    while (pace.waitFor(1, false) === 0) ends.push(pace.begin(1));
    for (const finish of ends) finish(end);
    return ends.length;
  };

  test('it grows while it is used up, to the most that is allowed, and no further', () => {
    const { pace } = open(12);
    const before = pace.limit();
    for (let index = 0; index < 200; index += 1) round(pace, ANSWERED);
    assert.ok(pace.limit() > before);
    assert.equal(pace.limit(), 12);
  });

  test('requests that leave room prove nothing', () => {
    const { pace } = open();
    const before = pace.limit();
    for (let index = 0; index < 100; index += 1) pace.begin(1)(ANSWERED);
    assert.equal(pace.limit(), before);
  });

  test('it halves once for all requests of one throttling, and grows by about one a round after it', () => {
    const { pace } = open();
    while (pace.limit() < 32) round(pace, ANSWERED);
    const high = pace.limit();
    round(pace, THROTTLED);
    assert.equal(pace.limit(), high / 2);
    for (let index = 0; index < 64; index += 1) round(pace, ANSWERED);
    assert.ok(pace.limit() > high / 2 && pace.limit() < high, String(pace.limit()));
  });

  test('it never falls below one', () => {
    const { pace } = open();
    for (let index = 0; index < 20; index += 1) assert.ok(round(pace, THROTTLED) >= 1);
    assert.equal(pace.limit(), 1);
  });

  test('a question has a place beside the documents', () => {
    const { pace } = open();
    while (pace.waitFor(1, false) === 0) pace.begin(1);
    assert.equal(pace.waitFor(1, true), 0);
    pace.begin(1);
    assert.equal(pace.waitFor(1, true), Infinity);
  });

  test('what the provider asks to wait, all requests wait', () => {
    const { pace, clock } = open();
    pace.begin(1)({ kind: 'throttled', retryAfterMs: 7000 });
    assert.equal(pace.waitFor(1, true), 7000);
    clock.advance(6999);
    assert.ok(pace.waitFor(1, false) > 0);
    clock.advance(1);
    assert.equal(pace.waitFor(1, false), 0);
  });
});
