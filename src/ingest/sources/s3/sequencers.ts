/** The newest event of each key that was worked on, to leave out older ones that come late. */
import { compareSequencers, type S3Event } from './events.js';
import { objectUrl } from './location.js';

export interface Sequencers {
  /** Whether an event as new was worked on: the object was read after both had happened. */
  covers(event: S3Event): boolean;
  add(event: S3Event): void;
}

/** Keys remembered; one that was forgotten only costs a look at its object. */
const MAX_KEYS = 100_000;

export function createSequencers(maxKeys = MAX_KEYS): Sequencers {
  const newest = new Map<string, string>();
  const isCovered = (event: S3Event): boolean => {
    const known = newest.get(objectUrl(event));
    return known !== undefined && event.sequencer !== null && compareSequencers(event.sequencer, known) <= 0;
  };
  return {
    covers: isCovered,
    add(event) {
      if (event.sequencer === null || isCovered(event)) return;
      const id = objectUrl(event);
      // Put at the end, so that the first is the one that was left alone for longest.
      newest.delete(id);
      newest.set(id, event.sequencer);
      const [oldest] = newest.keys();
      if (newest.size > maxKeys && oldest !== undefined) newest.delete(oldest);
    },
  };
}
