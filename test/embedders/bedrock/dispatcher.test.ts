import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDispatcher } from '../../../src/embedders/bedrock/dispatcher.js';
import type { Dispatcher } from '../../../src/embedders/bedrock/dispatcher.js';
import { CallFailed } from '../../../src/embedders/bedrock/failures.js';
import type { Failure } from '../../../src/embedders/bedrock/failures.js';
import { createPace } from '../../../src/embedders/bedrock/pace.js';
import type { PaceLimits } from '../../../src/embedders/bedrock/pace.js';
import { RetrievalError } from '../../../src/errors.js';
import { createTestClock } from './clock.js';
import type { TestClock } from './clock.js';

interface Sent {
  readonly texts: readonly string[];
  readonly inputType: string;
  readonly at: number;
  readonly signal: AbortSignal;
  answer(): void;
  fail(failure: Failure): void;
}

interface Bench {
  readonly dispatcher: Dispatcher;
  readonly clock: TestClock;
  readonly sent: readonly Sent[];
  /** Lets all that can go on without time go on. */
  settle(): Promise<void>;
  embed(texts: readonly string[], inputType?: 'document' | 'query', signal?: AbortSignal): Promise<unknown>;
}

const FACTS = { name: 'ThrottlingException', status: 429, requestId: null };
const throttled = (retryAfterMs: number | null): Failure => ({
  kind: 'throttled',
  retryAfterMs,
  facts: FACTS,
});

function open(limits: Partial<PaceLimits> & { batchTexts?: number; attempts?: number } = {}): Bench {
  const clock = createTestClock();
  const sent: Sent[] = [];
  const dispatcher = createDispatcher({
    send: (texts, inputType, signal) =>
      new Promise((resolve, reject) => {
        sent.push({
          texts,
          inputType,
          signal,
          at: clock.now(),
          answer: () => resolve({ vectors: texts.map((text) => Float32Array.of(text.length)), tokens: null }),
          fail: (failure) => reject(new CallFailed(failure)),
        });
        signal.addEventListener('abort', () => {
          reject(new CallFailed({ kind: 'cancelled', reason: signal.reason }));
        });
      }),
    toError: (failure, attempts) =>
      new RetrievalError('embedder_unavailable', `${failure.kind} ${String(attempts)}`),
    pace: createPace({ requestsPerMinute: null, tokensPerMinute: null, concurrency: 64, ...limits }, clock),
    clock,
    retry: { attempts: limits.attempts ?? 3, firstMs: 100, longestMs: 1000 },
    batchTexts: limits.batchTexts ?? 1,
    random: () => 0,
  });
  return {
    dispatcher,
    clock,
    sent,
    async settle() {
      for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
    },
    embed: (texts, inputType = 'document', signal) =>
      dispatcher.embed(
        texts.map((text) => ({ text, tokens: 10 })),
        { inputType, ...(signal === undefined ? {} : { signal }) },
      ),
  };
}

describe('putting texts into requests', () => {
  test('calls of one moment share a request; questions and documents do not', async () => {
    const bench = open({ batchTexts: 96 });
    const calls = [
      bench.embed(['a', 'b']),
      bench.embed(['c']),
      bench.embed(['q'], 'query'),
      bench.embed(['d']),
    ];
    await bench.settle();
    bench.sent[0]?.answer();
    bench.clock.advance(25);
    await bench.settle();
    assert.deepEqual(
      bench.sent.map(({ texts, inputType }) => [inputType, texts]),
      [
        ['query', ['q']],
        ['document', ['a', 'b', 'c', 'd']],
      ],
    );
    bench.sent[1]?.answer();
    await Promise.all(calls);
  });

  test('a request that is not full waits a moment for more while another is under way', async () => {
    const bench = open({ batchTexts: 3 });
    const calls = [bench.embed(['a'])];
    await bench.settle();
    assert.equal(bench.sent.length, 1, 'with nothing under way it does not wait');
    calls.push(bench.embed(['b']));
    await bench.settle();
    calls.push(bench.embed(['c']));
    await bench.settle();
    assert.equal(bench.sent.length, 1);
    calls.push(bench.embed(['d']));
    await bench.settle();
    assert.deepEqual(bench.sent[1]?.texts, ['b', 'c', 'd'], 'a full one does not wait');
    calls.push(bench.embed(['e']));
    await bench.settle();
    assert.equal(bench.sent.length, 2);
    bench.clock.advance(25);
    await bench.settle();
    assert.deepEqual(bench.sent[2]?.texts, ['e']);
    for (const request of bench.sent) request.answer();
    await Promise.all(calls);
  });

  test('a small call is not held up by a large one, nor the large one by small ones', async () => {
    const bench = open({ concurrency: 1 });
    const large = bench.embed(Array.from({ length: 50 }, (_, index) => `large ${String(index)}`));
    const small = Array.from({ length: 5 }, (_, index) => bench.embed([`small ${String(index)}`]));
    await bench.settle();
    for (let index = 0; index < 12; index += 1) {
      bench.sent[index]?.answer();
      await bench.settle();
    }
    const order = bench.sent.map(({ texts }) => texts[0]?.split(' ')[0]);
    assert.equal(order.slice(0, 12).filter((kind) => kind === 'small').length, 5);
    assert.ok(order.slice(0, 12).filter((kind) => kind === 'large').length >= 5);
    await Promise.all(small);
    for (let index = 12; index < 55; index += 1) {
      bench.sent[index]?.answer();
      await bench.settle();
    }
    await large;
  });

  test('a request has no more tokens than the budget gives at once', async () => {
    const bench = open({ batchTexts: 96, tokensPerMinute: 1000 });
    const call = bench.embed(['a', 'b', 'c', 'd', 'e']);
    await bench.settle();
    const [first] = bench.sent;
    assert.equal(first?.texts.length, 4);
    first.answer();
    bench.clock.advance(10_000);
    await bench.settle();
    bench.sent[1]?.answer();
    await call;
  });
});

describe('sending again', () => {
  test('the waits double, and the attempts are bounded', async () => {
    const bench = open({ attempts: 3 });
    const call = bench.embed(['a']);
    call.catch(() => undefined);
    await bench.settle();
    bench.sent[0]?.fail(throttled(null));
    await bench.settle();
    bench.clock.advance(49);
    assert.equal(bench.sent.length, 1);
    bench.clock.advance(1);
    assert.equal(bench.sent.length, 2);
    bench.sent[1]?.fail(throttled(null));
    await bench.settle();
    bench.clock.advance(99);
    assert.equal(bench.sent.length, 2);
    bench.clock.advance(1);
    bench.sent[2]?.fail(throttled(null));
    await assert.rejects(call, { message: 'throttled 3' });
    assert.deepEqual(
      { ...bench.dispatcher.usage() },
      { requests: 3, throttled: 3, retried: 2, texts: 0, tokens: 0, countedTokens: 0 },
    );
  });

  test('Retry-After holds back all requests, not only the one that was told', async () => {
    const bench = open();
    const first = bench.embed(['a']);
    await bench.settle();
    bench.sent[0]?.fail(throttled(5000));
    await bench.settle();
    const calls = [first, bench.embed(['b']), bench.embed(['q'], 'query')];
    await bench.settle();
    bench.clock.advance(4999);
    await bench.settle();
    assert.equal(bench.sent.length, 1);
    bench.clock.advance(1);
    await bench.settle();
    assert.deepEqual(
      bench.sent.slice(1).map(({ texts }) => texts[0]),
      ['q', 'b'],
    );
    for (const request of bench.sent) request.answer();
    await bench.settle();
    bench.clock.advance(50);
    await bench.settle();
    bench.sent[3]?.answer();
    await Promise.all(calls);
  });

  test('each attempt is taken from the budget of requests', async () => {
    const bench = open({ requestsPerMinute: 25, attempts: 10 });
    const call = bench.embed(['a']);
    await bench.settle();
    bench.sent[0]?.fail(throttled(null));
    await bench.settle();
    bench.clock.advance(2000);
    assert.equal(bench.sent.length, 1, 'its rest is over, but the next request is not due');
    bench.clock.advance(600);
    assert.equal(bench.sent.length, 2);
    bench.sent[1]?.answer();
    await call;
  });

  test('a call that is given up while it rests is not sent again, and nothing is waited for', async () => {
    const bench = open();
    const controller = new AbortController();
    const call = bench.embed(['a'], 'document', controller.signal);
    await bench.settle();
    bench.sent[0]?.fail(throttled(60_000));
    await bench.settle();
    controller.abort();
    await assert.rejects(call, { code: 'cancelled' });
    await bench.dispatcher.idle();
    bench.clock.advance(120_000);
    assert.equal(bench.sent.length, 1);
  });

  test('a request that two calls share goes on when one of them is given up', async () => {
    const bench = open({ batchTexts: 96 });
    const controller = new AbortController();
    const given = bench.embed(['a'], 'document', controller.signal);
    const kept = bench.embed(['b']);
    await bench.settle();
    controller.abort();
    await assert.rejects(given, { code: 'cancelled' });
    const [request] = bench.sent;
    assert.equal(request?.signal.aborted, false);
    request.answer();
    await kept;
  });
});
