/**
 * Puts waiting texts into requests and sends them as the pace allows; sends again what may succeed
 * later. The one layer of retries: each attempt counts against the budgets.
 */
import { RetrievalError, cancelled } from '../../errors.js';
import type { InputType } from '../../model.js';
import type { EmbedOptions } from '../port.js';
import type { Decoded } from './codec.js';
import { CallFailed, isRetryable } from './failures.js';
import type { Failure } from './failures.js';
import { batchOf, createTaskQueue, wanted } from './jobs.js';
import type { Batch, Job, Task } from './jobs.js';
import type { Clock, Pace } from './pace.js';

export interface RetryPolicy {
  /** Requests made of one batch at most. */
  readonly attempts: number;
  /** The first wait; it doubles up to the longest. A part of it is drawn, so that waits spread. */
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface DispatcherPorts {
  /** Sends one request. @throws CallFailed, RetrievalError */
  readonly send: (texts: readonly string[], inputType: InputType, signal: AbortSignal) => Promise<Decoded>;
  /** A failure that is final, in the caller's words. */
  readonly toError: (failure: Failure, attempts: number) => RetrievalError;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  readonly batchTexts: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Usage {
  readonly requests: number;
  readonly throttled: number;
  readonly retried: number;
  readonly texts: number;
  /** As the provider counted them; by our own count where it does not say. */
  readonly tokens: number;
  /** Of the same texts, by our own count. */
  readonly countedTokens: number;
}

export interface Dispatcher {
  embed(
    texts: readonly { readonly text: string; readonly tokens: number }[],
    options: EmbedOptions,
  ): Promise<readonly Float32Array[]>;
  usage(): Usage;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** How long a request that is not full waits for more texts while others are under way. */
const LINGER_MS = 25;

export function createDispatcher(ports: DispatcherPorts): Dispatcher {
  const { pace, clock, retry } = ports;
  const queues = { query: createTaskQueue(), document: createTaskQueue() };
  const again: Batch[] = [];
  /** Batches that wait for their next attempt, and how to end the wait. */
  const resting = new Map<Batch, () => void>();
  const sending = new Map<Batch, AbortController>();
  const jobs = new Set<Job>();
  const usage = { requests: 0, throttled: 0, retried: 0, texts: 0, tokens: 0, countedTokens: 0 };
  const whenIdle: (() => void)[] = [];
  let cancelWake: (() => void) | null = null;
  let lingerUntil = 0;
  let isPumpDue = false;

  const settle = (job: Job, error?: unknown): void => {
    if (job.settled) return;
    job.settled = true;
    jobs.delete(job);
    if (error === undefined) job.resolve();
    else job.reject(error);
    if (error !== undefined) dropUnwanted();
    notifyIdle();
  };

  const notifyIdle = (): void => {
    if (jobs.size > 0 || sending.size > 0) return;
    cancelWake?.();
    cancelWake = null;
    for (const resolve of whenIdle.splice(0)) resolve();
  };

  /** Requests for nobody are not made, and those under way are ended. */
  const dropUnwanted = (): void => {
    for (const [batch, cancel] of resting) {
      if (wanted(batch).tasks.length > 0) continue;
      cancel();
      resting.delete(batch);
    }
    for (const [batch, controller] of sending) {
      if (wanted(batch).tasks.length === 0) controller.abort();
    }
  };

  /** Calls made in one turn of the event loop share requests. */
  const schedulePump = (): void => {
    if (isPumpDue) return;
    isPumpDue = true;
    setImmediate(() => {
      isPumpDue = false;
      pump();
    });
  };

  const wakeAfter = (milliseconds: number): void => {
    cancelWake?.();
    cancelWake = clock.after(Math.max(1, Math.ceil(milliseconds)), () => {
      cancelWake = null;
      pump();
    });
  };

  const pump = (): void => {
    for (;;) {
      const next = nextBatch();
      if (next === null) return;
      const wait = Math.max(pace.waitFor(next.batch.tokens, next.urgent), next.lingerMs);
      if (wait > 0) {
        // Without a limit of time, the end of a request is what is waited for.
        if (Number.isFinite(wait)) wakeAfter(wait);
        return;
      }
      next.take();
      send(next.batch);
    }
  };

  const nextBatch = (): {
    readonly batch: Batch;
    readonly urgent: boolean;
    readonly lingerMs: number;
    readonly take: () => void;
  } | null => {
    const limits = { texts: ports.batchTexts, tokens: pace.largestRequest };
    const questions = queues.query.peek(limits);
    if (questions.tasks.length > 0) {
      return { batch: questions, urgent: true, lingerMs: 0, take: () => queues.query.take(questions) };
    }
    for (let first = again[0]; first !== undefined; first = again[0]) {
      const batch = wanted(first);
      if (batch.tasks.length > 0) {
        return { batch, urgent: false, lingerMs: 0, take: () => void again.shift() };
      }
      again.shift();
    }
    const documents = queues.document.peek(limits);
    if (documents.tasks.length === 0) return null;
    const isPartial = documents.tasks.length < ports.batchTexts && documents.tokens < limits.tokens;
    const lingerMs = isPartial && pace.running() > 0 ? Math.max(0, lingerUntil - clock.now()) : 0;
    return { batch: documents, urgent: false, lingerMs, take: () => queues.document.take(documents) };
  };

  const send = (batch: Batch): void => {
    const [first] = batch.tasks;
    if (first === undefined) return;
    lingerUntil = clock.now() + LINGER_MS;
    const controller = new AbortController();
    const attempted = { ...batch, attempts: batch.attempts + 1 };
    sending.set(attempted, controller);
    usage.requests += 1;
    if (batch.attempts > 0) usage.retried += 1;
    const end = pace.begin(batch.tokens);
    const texts = batch.tasks.map(({ text }) => text);
    ports
      .send(texts, first.job.inputType, controller.signal)
      .then(
        (decoded) => {
          sending.delete(attempted);
          end({ kind: 'answered', tokens: decoded.tokens ?? batch.tokens });
          deliver(attempted, decoded);
        },
        (error: unknown) => {
          sending.delete(attempted);
          const failure = error instanceof CallFailed ? error.failure : null;
          if (failure?.kind === 'throttled') usage.throttled += 1;
          end({
            kind: failure?.kind === 'throttled' ? 'throttled' : 'failed',
            retryAfterMs:
              failure?.kind === 'throttled' || failure?.kind === 'unavailable' ? failure.retryAfterMs : null,
          });
          fail(attempted, error, failure);
        },
      )
      .finally(() => {
        pump();
        notifyIdle();
      });
  };

  const deliver = (batch: Batch, { vectors, tokens }: Decoded): void => {
    const shares = shareTokens(batch.tasks, tokens);
    usage.texts += batch.tasks.length;
    usage.countedTokens += batch.tokens;
    for (const [at, { job, index }] of batch.tasks.entries()) {
      const vector = vectors[at];
      const share = shares[at] ?? 0;
      if (vector === undefined) continue;
      usage.tokens += share;
      // It is paid for, so it is told even when the call has failed meanwhile.
      job.onPart?.({ index, vector, tokens: share });
      if (job.settled) continue;
      job.vectors[index] = vector;
      job.unanswered -= 1;
      if (job.unanswered === 0) settle(job);
    }
  };

  const fail = (batch: Batch, error: unknown, failure: Failure | null): void => {
    if (failure !== null && isRetryable(failure) && batch.attempts < retry.attempts) {
      rest(batch, failure);
      return;
    }
    if (failure?.kind === 'text' && batch.tasks.length > 1) {
      // One text spoils its request: halve until it is alone, and embed the others.
      const middle = Math.ceil(batch.tasks.length / 2);
      again.push(batchOf(batch.tasks.slice(0, middle)), batchOf(batch.tasks.slice(middle)));
      return;
    }
    const final = failure === null ? error : ports.toError(failure, batch.attempts);
    for (const { job, index } of batch.tasks) settle(job, atText(final, failure, index));
  };

  const rest = (batch: Batch, failure: Failure): void => {
    const ceiling = Math.min(retry.longestMs, retry.firstMs * 2 ** (batch.attempts - 1));
    const asked = 'retryAfterMs' in failure ? (failure.retryAfterMs ?? 0) : 0;
    const wait = asked + ceiling * (0.5 + ports.random() / 2);
    const cancel = clock.after(wait, () => {
      resting.delete(batch);
      again.push(batch);
      pump();
    });
    resting.set(batch, cancel);
    dropUnwanted();
  };

  return {
    async embed(texts, { inputType, signal, onPart, known }) {
      if (signal?.aborted === true) throw cancelled(signal.reason);
      let onAbort: (() => void) | undefined;
      const vectors: Float32Array[] = new Array<Float32Array>(texts.length);
      for (const [index, vector] of known ?? []) vectors[index] = vector;
      const missing = [...texts.entries()].filter(([index]) => known?.has(index) !== true);
      if (missing.length === 0) return vectors;
      try {
        await new Promise<void>((resolve, reject) => {
          const job: Job = {
            inputType,
            vectors,
            onPart,
            resolve,
            reject,
            unanswered: missing.length,
            settled: false,
          };
          jobs.add(job);
          queues[inputType].add(
            missing.map(([index, { text, tokens }]): Task => ({ job, index, text, tokens })),
          );
          onAbort = () => {
            settle(job, cancelled(signal?.reason));
          };
          signal?.addEventListener('abort', onAbort, { once: true });
          schedulePump();
        });
      } finally {
        if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
      }
      return vectors;
    },
    usage: () => ({ ...usage }),
    idle: () =>
      new Promise((resolve) => {
        whenIdle.push(resolve);
        notifyIdle();
      }),
  };
}

/** The request's tokens over its texts, by their own counts; they add up to the whole. */
function shareTokens(tasks: readonly Task[], total: number | null): readonly number[] {
  if (total === null) return tasks.map(({ tokens }) => tokens);
  const counted = tasks.reduce((sum, { tokens }) => sum + tokens, 0);
  let given = 0;
  let seen = 0;
  return tasks.map(({ tokens }) => {
    seen += tokens;
    const upTo = counted === 0 ? total : Math.round((total * seen) / counted);
    const share = upTo - given;
    given = upTo;
    return share;
  });
}

/** Says which text of the call it is. */
function atText(error: unknown, failure: Failure | null, index: number): unknown {
  if (failure?.kind !== 'text' || !(error instanceof RetrievalError)) return error;
  return new RetrievalError(error.code, error.message, {
    field: `texts.${String(index)}`,
    details: { ...error.details, index },
  });
}
