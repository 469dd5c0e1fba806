/** A store's own requests, recorded, and sent again by the bare client. */
import type { Question } from '../load/corpus.js';

/** One question's requests, ready to be sent again. */
export interface Recorded {
  readonly requests: number;
  send(): Promise<void>;
}

export interface Bare {
  /** Listens in on what `run` sends. */
  record(run: () => Promise<unknown>, question: Question): Promise<Recorded>;
  close(): Promise<void>;
}
