/**
 * Long work in short steps. A generator stops after each, so that one and the same work is either
 * done at once or in turns with all else that the process has to do.
 */
import { throwIfCancelled } from '../errors.js';

/** Stops after a few milliseconds' work at most. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Longest turn, in milliseconds; a step or a collection of garbage may make it a little longer. */
const TURN_MS = 20;

/** Does the work, and lets nobody in. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Does the work in turns: timers and sockets have theirs in between.
 * @param turnMs a turn ends with the first step after so long; 0: with each
 * @throws RetrievalError `cancelled`
 */
export async function inTurns<T>(steps: Steps<T>, signal?: AbortSignal, turnMs = TURN_MS): Promise<T> {
  let began = performance.now();
  for (;;) {
    throwIfCancelled(signal);
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - began < turnMs) continue;
    await nextTurn();
    began = performance.now();
  }
}

let lastInLine: Promise<void> = Promise.resolve();

/** One of those that wait for each round of the event loop, or ten of them would be one long turn. */
function nextTurn(): Promise<void> {
  lastInLine = lastInLine.then(() => new Promise<void>(setImmediate));
  return lastInLine;
}
