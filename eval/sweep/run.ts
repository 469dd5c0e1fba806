/** Measures one data set in many ways, each through the path users take. */
import { RetrievalError } from '../../src/errors.js';
import type { Runtime } from '../../src/runtime-types.js';
import { targetOf } from '../cli.js';
import type { Prepared } from '../collection.js';
import type { DataSet } from '../dataset.js';
import type { Metric } from '../measures.js';
import type { EvalRecord } from '../record.js';
import { evaluate, type EvalProgress } from '../run.js';
import { ownKey, type Combination } from './grid.js';
import { judge, type Verdict } from './verdict.js';

export interface SweepOptions {
  /** The questions that the best combination is chosen by. */
  readonly tune: DataSet;
  /** Other questions, on which only the best one is measured, once. */
  readonly report: DataSet | null;
  readonly combinations: readonly Combination[];
  readonly by: Metric;
  /** An existing collection instead of the data set's own. */
  readonly collection?: string;
  readonly generation?: number;
  readonly fresh?: boolean;
  readonly ignoreIdenticalIds?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvalProgress) => void;
  /** After each measurement, so that none is lost when a later one fails. */
  readonly onRun?: (run: SweepRun) => void | Promise<void>;
}

export interface SweepRun {
  readonly name: string;
  /** With questions and titles. */
  readonly record: EvalRecord;
}

export interface Sweep {
  readonly runs: readonly [SweepRun, ...SweepRun[]];
  readonly verdict: Verdict;
  /** The best one on the questions it was not chosen by. */
  readonly reported: SweepRun | null;
}

/**
 * Combinations of one collection's settings share it: it is ingested once.
 * @throws RetrievalError all that ingest and retrieve throw; `cancelled`.
 */
export async function runSweep(runtime: Runtime, options: SweepOptions): Promise<Sweep> {
  const { signal, onProgress, ignoreIdenticalIds } = options;
  const ready = new Map<string, Prepared>();
  const measure = async (dataSet: DataSet, combination: Combination): Promise<SweepRun> => {
    const key = options.collection ?? ownKey(combination.own);
    const prepared = ready.get(key);
    const target = targetOf(options, combination.own);
    const evaluation = await evaluate(runtime, dataSet, {
      target,
      query: combination.query,
      texts: true,
      ...(prepared === undefined ? {} : { prepared }),
      ...(ignoreIdenticalIds === undefined ? {} : { ignoreIdenticalIds }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    ready.set(key, evaluation.prepared);
    const run = { name: combination.name, record: evaluation.record };
    await options.onRun?.(run);
    return run;
  };

  const runs: SweepRun[] = [];
  for (const combination of byCollection(options.combinations)) {
    runs.push(await measure(options.tune, combination));
  }
  const [first, ...others] = inOrder(runs, options.combinations);
  if (first === undefined) throw new RetrievalError('internal', 'A sweep of nothing');
  const verdict = judge([first.record, ...others.map(({ record }) => record)], options.by);
  const best = options.combinations[verdict.winner];
  const reported = options.report === null || best === undefined ? null : await measure(options.report, best);
  return { runs: [first, ...others], verdict, reported };
}

/** Those of one collection one after another, so that an embedded store has it at hand. */
function byCollection(combinations: readonly Combination[]): readonly Combination[] {
  const groups = new Map<string, Combination[]>();
  for (const combination of combinations) {
    const key = ownKey(combination.own);
    groups.set(key, [...(groups.get(key) ?? []), combination]);
  }
  return [...groups.values()].flat();
}

function inOrder(runs: readonly SweepRun[], combinations: readonly Combination[]): readonly SweepRun[] {
  const byName = new Map(runs.map((run) => [run.name, run]));
  return combinations.flatMap(({ name }) => byName.get(name) ?? []);
}
