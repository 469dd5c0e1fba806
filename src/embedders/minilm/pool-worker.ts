/** One worker thread as the pool sees it: what it has in hand, and what became of it. */
import { Worker } from 'node:worker_threads';
import type { Job, Task } from './jobs.js';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.js';

type TaskMessage = Extract<FromWorker, { readonly id: number }>;

export interface WorkerEvents {
  onReady(): void;
  /** The answer to a text it had in hand. */
  onAnswer(task: Task, message: TaskMessage): void;
  /** It ended without having been told to. */
  onGone(worker: PoolWorker, inHand: readonly Task[], reason: string): void;
}

export interface PoolWorker {
  /** Rejects when it ends before it has loaded the model. */
  readonly ready: Promise<void>;
  /** It can be given texts now. */
  isReady(): boolean;
  /** It has loaded the model once. */
  wasReady(): boolean;
  /** Texts given and not answered: all, or those of one urgency. */
  inHand(urgent?: boolean): number;
  /** Their length, of those that are not urgent. */
  characters(): number;
  give(task: Task): void;
  /** Has it skip the job's texts that it has not begun. */
  cancel(job: Job): void;
  ref(): void;
  /** Lets the process end, as soon as the model is loaded. */
  unref(): void;
  /** Ends it after what it is in the middle of. */
  end(): Promise<void>;
}

export function startWorker(script: URL, settings: WorkerSettings, events: WorkerEvents): PoolWorker {
  const thread = new Worker(script, { workerData: settings });
  const tasks = new Map<number, Task>();
  let state: 'starting' | 'ready' | 'gone' = 'starting';
  let wasReady = false;
  let ending = false;
  let isHeld = true;
  let nextId = 0;
  let urgentInHand = 0;
  let characters = 0;
  let reason = 'it ended';
  let resolveReady: () => void = () => undefined;
  let rejectReady: (error: Error) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    resolveReady = resolve;
    rejectReady = reject;
  });
  // Only the first worker's start is awaited; of the others, the pool hears by onGone.
  ready.catch(() => undefined);

  const post = (message: ToWorker): void => thread.postMessage(message);

  thread.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') {
      state = 'ready';
      wasReady = true;
      if (!isHeld) thread.unref();
      resolveReady();
      events.onReady();
    } else if (message.kind === 'broken') {
      reason = message.reason;
    } else {
      const task = tasks.get(message.id);
      if (task === undefined) return;
      tasks.delete(message.id);
      if (task.job.urgent) urgentInHand -= 1;
      else characters -= task.text.length;
      events.onAnswer(task, message);
    }
  });
  thread.on('error', (error) => {
    reason = error instanceof Error ? error.message : String(error);
  });
  const exited = new Promise<void>((resolve) => {
    thread.on('exit', () => resolve());
  });
  thread.on('exit', () => {
    state = 'gone';
    rejectReady(new Error(reason));
    if (!ending) events.onGone(worker, [...tasks.values()], reason);
  });

  const worker: PoolWorker = {
    ready,
    isReady: () => state === 'ready',
    wasReady: () => wasReady,
    inHand: (urgent) => {
      if (urgent === undefined) return tasks.size;
      return urgent ? urgentInHand : tasks.size - urgentInHand;
    },
    characters: () => characters,
    give(task) {
      const id = nextId++;
      tasks.set(id, task);
      if (task.job.urgent) urgentInHand += 1;
      else characters += task.text.length;
      post({ kind: 'task', id, urgent: task.job.urgent, text: task.text });
    },
    cancel(job) {
      const ids = [...tasks].filter(([, task]) => task.job === job).map(([id]) => id);
      if (ids.length > 0 && state === 'ready') post({ kind: 'cancel', ids });
    },
    // A thread that is stopped while native code calls back into it takes the process down; so it
    // is never stopped, but loads to the end and ends by itself.
    ref() {
      isHeld = true;
      thread.ref();
    },
    unref() {
      isHeld = false;
      if (state !== 'starting') thread.unref();
    },
    async end() {
      ending = true;
      isHeld = true;
      thread.ref();
      post({ kind: 'end' });
      await exited;
    },
  };
  return worker;
}
