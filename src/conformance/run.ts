/** Runs checks on a store that holds other things too, and leaves nothing there. */
import { AssertionError } from 'node:assert';
import { RetrievalError, throwIfCancelled } from '../errors.js';
import type { VectorStore } from '../stores/port.js';
import { lacking } from './check.js';
import type { Check, CheckGroup, Context } from './check.js';
import { createContext } from './fixtures.js';
import { createScratch } from './scratch.js';
import type { Scratch } from './scratch.js';

export interface CheckResult {
  readonly group: string;
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'not_supported';
  /** Why it failed, or what the store says that it lacks. */
  readonly message: string | null;
  readonly durationMs: number;
}

export interface RunOptions {
  readonly groups: readonly CheckGroup[];
  /** Makes a new and empty in-memory store. */
  readonly reference: () => VectorStore;
  /** What the names of the run's collections begin with; nothing else may begin so. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly onResult?: (result: CheckResult) => void;
  /** Called with a scratch store once the checks are done, before all is removed. */
  readonly afterwards?: (context: Context) => Promise<void>;
}

const CLEAN_UP = 'clean-up';
const MESSAGE_CHARACTERS = 1000;

/**
 * Runs the groups one after the other. What a group made is removed when it is done, and all that
 * is left in the end, however that comes.
 * @throws RetrievalError `cancelled`, once all is removed
 */
export async function runChecks(store: VectorStore, options: RunOptions): Promise<readonly CheckResult[]> {
  const { groups, reference, prefix, signal, onResult } = options;
  const scratch = createScratch(store, prefix, signal);
  const context = createContext(() => scratch.store, reference, prefix);
  const results: CheckResult[] = [];
  const add = (result: CheckResult): void => {
    results.push(result);
    onResult?.(result);
  };
  try {
    for (const group of groups) {
      const reason = lacking(group.requires, store);
      for (const check of group.checks) {
        throwIfCancelled(signal);
        const result =
          reason === null ? await runCheck(group.name, check, context) : notSupported(group, check, reason);
        // A check that was cut off says nothing about the store.
        throwIfCancelled(signal);
        add(result);
      }
      await scratch.remove({ signal });
    }
    await options.afterwards?.(context);
  } finally {
    // Not with the run's signal: this is what is done when it was aborted.
    add(await cleanUp(scratch));
  }
  return results;
}

async function runCheck(group: string, check: Check, context: Context): Promise<CheckResult> {
  const start = performance.now();
  const done = (result: CheckResult['result'], message: string | null): CheckResult => ({
    group,
    name: check.name,
    result,
    message,
    durationMs: Math.round(performance.now() - start),
  });
  try {
    await check.run(context);
    return done('passed', null);
  } catch (error) {
    return done('failed', messageOf(error));
  }
}

function notSupported({ name: group }: CheckGroup, { name }: Check, message: string): CheckResult {
  return { group, name, result: 'not_supported', message, durationMs: 0 };
}

function cleanUp(scratch: Scratch): Promise<CheckResult> {
  const check: Check = {
    name: 'nothing is left behind',
    async run() {
      await scratch.remove();
      const left = await scratch.list();
      if (left.length === 0) return;
      const names = left.slice(0, 5).join(', ');
      throw new RetrievalError(
        'store_error',
        `${String(left.length)} collections are still there, among them ${names}; remove them with "plumbline collections delete"`,
      );
    },
  };
  return runCheck(
    CLEAN_UP,
    check,
    createContext(
      () => scratch.store,
      () => scratch.store,
    ),
  );
}

/** What was wrong. The checks' own texts may be in it; nobody else's are in a scratch collection. */
function messageOf(error: unknown): string {
  const text =
    error instanceof RetrievalError
      ? `${error.code}: ${error.message}`
      : error instanceof AssertionError
        ? error.message
        : error instanceof Error
          ? `${error.name}: ${error.message}`
          : 'something that is no error was thrown';
  return text.length > MESSAGE_CHARACTERS ? `${text.slice(0, MESSAGE_CHARACTERS)}…` : text;
}
