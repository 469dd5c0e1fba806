/** What was written and deleted, and when that was acknowledged: what an answer is held against. */
import type { Random } from '../../support/random.js';

/** A document as it was at one moment. */
export interface Moment {
  /** The least version that may be seen from then on. */
  readonly floor: number;
  /** The version that is to be found; null when it is deleted. */
  readonly present: number | null;
  /** Counts every change that began or ended; the same twice: nothing happened in between. */
  readonly changes: number;
  /** A write or a delete of it was under way. */
  readonly busy: boolean;
}

export interface Truth {
  readonly ids: readonly string[];
  now(id: string): Moment;
  /** The latest version that anybody began to write. */
  latest(id: string): number;
  /** A document that nobody is changing, taken until `release`; null when all are taken. */
  take(random: Random, wanted: 'any' | 'present'): string | null;
  /** Begins to write; answers the version. */
  begin(id: string): number;
  written(id: string, version: number): void;
  deleted(id: string): void;
  release(id: string): void;
}

interface State {
  latest: number;
  floor: number;
  present: number | null;
  changes: number;
  busy: boolean;
}

export function createTruth(count: number): Truth {
  const ids = Array.from({ length: count }, (_, at) => `d${String(at)}`);
  const states = new Map(
    ids.map((id): [string, State] => [id, { latest: 0, floor: 1, present: null, changes: 0, busy: false }]),
  );
  const of = (id: string): State => {
    const state = states.get(id);
    if (state === undefined) throw new Error(`Nobody wrote a document ${id}`);
    return state;
  };
  return {
    ids,
    now: (id) => {
      const { floor, present, changes, busy } = of(id);
      return { floor, present, changes, busy };
    },
    latest: (id) => of(id).latest,
    take(random, wanted) {
      const free = ids.filter((id) => !of(id).busy && (wanted === 'any' || of(id).present !== null));
      if (free.length === 0) return null;
      const id = random.pick(free);
      const state = of(id);
      state.busy = true;
      state.changes += 1;
      return id;
    },
    begin: (id) => (of(id).latest += 1),
    written(id, version) {
      Object.assign(of(id), { floor: version, present: version });
    },
    deleted(id) {
      const state = of(id);
      state.present = null;
      state.floor = state.latest + 1;
    },
    release(id) {
      of(id).busy = false;
      of(id).changes += 1;
    },
  };
}
