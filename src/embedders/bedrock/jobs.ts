/** Calls of `embed` and their texts, waiting to be put into requests together. */
import type { EmbedOptions } from '../port.js';
import type { InputType } from '../../model.js';

/** One call of `embed`. */
export interface Job {
  readonly inputType: InputType;
  readonly vectors: Float32Array[];
  readonly onPart: EmbedOptions['onPart'];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  unanswered: number;
  settled: boolean;
}

export interface Task {
  readonly job: Job;
  readonly index: number;
  readonly text: string;
  /** By our own count. */
  readonly tokens: number;
}

/** What one request holds: texts of one input type. */
export interface Batch {
  readonly tasks: readonly Task[];
  readonly tokens: number;
  /** Requests made of it so far. */
  readonly attempts: number;
}

export function batchOf(tasks: readonly Task[], attempts = 0): Batch {
  return { tasks, attempts, tokens: tasks.reduce((sum, task) => sum + task.tokens, 0) };
}

/** Without the texts that nobody waits for any more. */
export function wanted(batch: Batch): Batch {
  if (batch.tasks.every(({ job }) => !job.settled)) return batch;
  return batchOf(
    batch.tasks.filter(({ job }) => !job.settled),
    batch.attempts,
  );
}

export interface BatchLimits {
  readonly texts: number;
  readonly tokens: number;
}

export interface TaskQueue {
  add(tasks: readonly Task[]): void;
  /** The first texts that fit one request; empty when nobody waits. They stay until taken. */
  peek(limits: BatchLimits): Batch;
  take(batch: Batch): void;
}

/** The texts of a call that wait, in order. */
interface Waiting {
  readonly tasks: readonly Task[];
  next: number;
}

/**
 * Requests begin by turns with the call that came first, so that it ends, and with the one that
 * needs least, so that a small one is not held up by a large one.
 */
export function createTaskQueue(): TaskQueue {
  const calls = new Map<Job, Waiting>();
  let isOldestsTurn = true;

  const inTurn = (): readonly Waiting[] => {
    for (const [job, { tasks, next }] of calls) {
      if (job.settled || next >= tasks.length) calls.delete(job);
      // The oldest are the first to be done; looking further would cost time for each request.
      else break;
    }
    const waiting = [...calls.values()];
    if (isOldestsTurn || waiting.length < 2) return waiting;
    const left = ({ tasks, next }: Waiting): number => tasks.length - next;
    return waiting.toSorted((a, b) => left(a) - left(b));
  };

  return {
    add(tasks) {
      const [first] = tasks;
      if (first !== undefined) calls.set(first.job, { tasks, next: 0 });
    },
    peek(limits) {
      const chosen: Task[] = [];
      let tokens = 0;
      for (const { tasks, next } of inTurn()) {
        for (let at = next; at < tasks.length; at += 1) {
          const task = tasks[at];
          if (task === undefined || task.job.settled) break;
          const isFull = chosen.length >= limits.texts || tokens + task.tokens > limits.tokens;
          if (isFull && chosen.length > 0) return { tasks: chosen, tokens, attempts: 0 };
          chosen.push(task);
          tokens += task.tokens;
        }
      }
      return { tasks: chosen, tokens, attempts: 0 };
    },
    take({ tasks: taken }) {
      isOldestsTurn = !isOldestsTurn;
      for (const { job } of taken) {
        const call = calls.get(job);
        if (call === undefined) continue;
        call.next += 1;
        if (call.next >= call.tasks.length) calls.delete(job);
      }
    },
  };
}
