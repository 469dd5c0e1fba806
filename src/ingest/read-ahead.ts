/** Several reads at once, their results in order, with bounds on how many and how much. */
import { setMaxListeners } from 'node:events';

export interface Job<T> {
  /** Bytes that its result will hold, as far as is known beforehand. */
  readonly size: number;
  run(signal: AbortSignal): Promise<T>;
}

export interface AheadLimits {
  /** Jobs that run or wait to be taken. */
  readonly jobs: number;
  /** Bytes of these; a job that is larger alone runs alone. */
  readonly bytes: number;
}

/** Yields the jobs' results in the jobs' order. Leaving early, or an error, ends those that run. */
export async function* readAhead<T>(
  jobs: readonly Job<T>[],
  limits: AheadLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const stop = new AbortController();
  const joint = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  // Every job listens while it runs.
  setMaxListeners(0, joint);
  const running: { readonly size: number; readonly result: Promise<T> }[] = [];
  let next = 0;
  let bytes = 0;
  const start = (): void => {
    for (let job = jobs[next]; job !== undefined; job = jobs[next]) {
      const hasRoom = running.length < limits.jobs && bytes + job.size <= limits.bytes;
      if (!hasRoom && running.length > 0) return;
      const result = job.run(joint);
      // Awaited in its turn; until then a rejection must not count as unhandled.
      result.catch(() => undefined);
      running.push({ size: job.size, result });
      bytes += job.size;
      next += 1;
    }
  };
  try {
    for (;;) {
      start();
      const first = running.shift();
      if (first === undefined) return;
      const result = await first.result;
      bytes -= first.size;
      yield result;
    }
  } finally {
    stop.abort();
  }
}

const ASKED_AT_ONCE = 16;

/** Asks about each, several at once; the answers in order, without the nulls. */
export async function askEach<T, R>(
  items: readonly T[],
  ask: (item: T, signal: AbortSignal) => Promise<R | null>,
  signal: AbortSignal | undefined,
): Promise<readonly R[]> {
  const jobs = items.map((item) => ({ size: 0, run: (joint: AbortSignal) => ask(item, joint) }));
  const answers: R[] = [];
  for await (const answer of readAhead(jobs, { jobs: ASKED_AT_ONCE, bytes: 0 }, signal)) {
    if (answer !== null) answers.push(answer);
  }
  return answers;
}
