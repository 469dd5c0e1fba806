/** One call's texts on their way through the pool, and the order in which calls are served. */

/** One call of `embed`. */
export interface Job {
  readonly texts: readonly string[];
  readonly vectors: Float32Array[];
  readonly urgent: boolean;
  /** Index of the first text not handed to a worker yet. */
  next: number;
  unanswered: number;
  settled: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One text of a job. */
export interface Task {
  readonly job: Job;
  readonly index: number;
  readonly text: string;
  /** How many workers died with it in hand. */
  readonly crashes: number;
}

/** Texts not yet with a worker. */
interface TaskQueue {
  add(job: Job): void;
  /** Puts back a text whose worker died; it goes first. */
  retry(task: Task): void;
  /** The next text of that urgency. Jobs take turns, so a small one never waits for a large one. */
  take(urgent: boolean): Task | undefined;
  /** How many texts wait. */
  size(): number;
}

export function createTaskQueue(): TaskQueue {
  const jobs: Job[] = [];
  const retries: Task[] = [];
  const isWaiting = (job: Job): boolean => !job.settled && job.next < job.texts.length;

  return {
    add: (job) => void jobs.push(job),
    retry: (task) => void retries.push(task),
    take(urgent) {
      const retried = retries.findIndex(({ job }) => job.urgent === urgent && !job.settled);
      if (retried >= 0) return retries.splice(retried, 1)[0];
      for (let at = jobs.findIndex((job) => job.urgent === urgent); at >= 0;) {
        const [job] = jobs.splice(at, 1);
        const text = job?.texts[job.next];
        if (job !== undefined && text !== undefined && isWaiting(job)) {
          const task: Task = { job, index: job.next, text, crashes: 0 };
          job.next += 1;
          if (isWaiting(job)) jobs.push(job);
          return task;
        }
        at = jobs.findIndex((other) => other.urgent === urgent);
      }
      return undefined;
    },
    size() {
      let count = retries.filter(({ job }) => !job.settled).length;
      for (const job of jobs) if (isWaiting(job)) count += job.texts.length - job.next;
      return count;
    },
  };
}
