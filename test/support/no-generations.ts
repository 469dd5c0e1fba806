/** For runtimes of tests that have nothing to do with generations. */
import type { Runtime } from '../../src/runtime-types.js';

function unused(): never {
  throw new Error('not used by this test');
}

export const NO_GENERATIONS: Pick<Runtime, 'generations' | 'builds' | 'evalSets' | 'gateReports' | 'why'> = {
  why: unused,
  generations: {
    list: unused,
    start: unused,
    build: unused,
    activate: unused,
    rollback: unused,
    drop: unused,
    collectGarbage: unused,
    history: unused,
    recordGate: unused,
    note: () => Promise.resolve(),
  },
  evalSets: { put: unused, list: unused, get: unused, remove: unused },
  gateReports: { latest: unused },
  builds: { start: unused, status: () => null, close: () => Promise.resolve() },
};
