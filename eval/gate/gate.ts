/**
 * The quality gate: a collection's eval set is asked of the active generation and of another one,
 * and the other may not be worse than the policy allows. What was found is kept with the
 * collection, and decides whether the generation may become active.
 */
import { inTurns } from '../../src/chunking/steps.js';
import { RetrievalError } from '../../src/errors.js';
import { gateReportSchema } from '../../src/generations/gate.js';
import type {
  GateOptions,
  GatePolicy,
  GateReport,
  PreparedGate,
  PrepareGate,
} from '../../src/generations/gate.js';
import { noSuchGeneration } from '../../src/generations/refusals.js';
import type { GenerationDescription } from '../../src/generations/types.js';
import type { Warning } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';
import { comparing } from '../compare.js';
import type { Comparison } from '../compare.js';
import type { Checked } from '../expected.js';
import { checkDataSet } from '../expected.js';
import type { EvalRecord } from '../record.js';
import { evaluate } from '../run.js';
import { loadEvalSet } from '../stored-questions.js';
import { judge } from './policy.js';

export interface GateResult {
  readonly passed: boolean;
  readonly reasons: readonly string[];
  readonly active: EvalRecord;
  readonly candidate: EvalRecord;
  readonly comparison: Comparison;
  readonly evalSet: string;
  /** What the set expects and the collection does not hold. */
  readonly warnings: readonly Warning[];
}

/** Prepares and runs. @throws RetrievalError what preparing and evaluating throw */
export async function runGate(
  runtime: Runtime,
  options: GateOptions & Partial<Parameters<PreparedGate>[0]>,
): Promise<GateResult> {
  const { signal = new AbortController().signal, onProgress = () => undefined } = options;
  const run = await prepareGate(runtime, { ...options, signal });
  return run({ signal, onProgress });
}

/** A `PrepareGate` that answers all that was measured. */
export async function prepareGate(
  runtime: Runtime,
  options: Parameters<PrepareGate>[1],
): Promise<(how: Parameters<PreparedGate>[0]) => Promise<GateResult>> {
  const { collection, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const all = await runtime.generations.list(collection, call);
  const active = all.find(({ state }) => state === 'active');
  const candidate = candidateOf(collection, all, options.generation);
  if (active === undefined || candidate.id === active.id) {
    throw new RetrievalError(
      'generation_conflict',
      `Generation ${String(candidate.id)} is the active one; a gate compares another one with it`,
      { field: 'generation' },
    );
  }
  const evalSet = await loadEvalSet(runtime, collection, options.evalSet, call);
  const checked = await checkDataSet(runtime, collection, evalSet, 'eval_set', call);
  return (how) => compareGenerations(runtime, { ...options, ...how }, { active, candidate, checked });
}

async function compareGenerations(
  runtime: Runtime,
  options: GateOptions & Parameters<PreparedGate>[0],
  {
    active,
    candidate,
    checked: { dataSet: evalSet, warnings },
  }: {
    readonly active: GenerationDescription;
    readonly candidate: GenerationDescription;
    readonly checked: Checked;
  },
): Promise<GateResult> {
  const { collection, policy, author, signal, onProgress } = options;
  const questions = evalSet.queries.size;
  // Documents that one of the two lacks would be counted against it.
  if (candidate.missing > 0) {
    onProgress({ stage: 'build', asked: 0, questions });
    await runtime.generations.build(collection, candidate.id, author, { signal });
  }

  const measure = async (generation: number, stage: 'active' | 'candidate'): Promise<EvalRecord> => {
    const { record } = await evaluate(runtime, evalSet, {
      target: { kind: 'existing', collection, generation },
      query: options.query ?? {},
      signal,
      onProgress: (now) => {
        if (now.stage === 'queries') onProgress({ stage, asked: now.done, questions });
      },
    });
    return record;
  };
  const ofActive = await measure(active.id, 'active');
  const ofCandidate = await measure(candidate.id, 'candidate');
  onProgress({ stage: 'compare', asked: questions, questions });
  const comparison = await inTurns(comparing(ofActive, ofCandidate), signal, 0);
  const reasons = judge(policy, comparison, {
    active: ofActive.latency_ms.wall,
    candidate: ofCandidate.latency_ms.wall,
  });
  const result: GateResult = {
    passed: reasons.length === 0,
    reasons,
    active: ofActive,
    candidate: ofCandidate,
    comparison,
    evalSet: evalSet.name,
    warnings,
  };
  await runtime.generations.recordGate(collection, reportOf(result, policy), author, { signal });
  return result;
}

function reportOf(
  { passed, reasons, active, candidate, comparison, evalSet, warnings }: GateResult,
  policy: GatePolicy,
): GateReport {
  const { metrics, gains, losses, queries } = comparison;
  return gateReportSchema.parse({
    generation: candidate.generation,
    against: active.generation,
    passed,
    reasons,
    eval_set: evalSet,
    warnings,
    questions: queries,
    policy,
    metrics,
    gains,
    losses,
    latency_ms: { active: active.latency_ms.wall, candidate: candidate.latency_ms.wall },
  });
}

/** The named generation; without a name the one that is built, else the newest that is not active. */
function candidateOf(
  collection: string,
  all: readonly GenerationDescription[],
  id: number | undefined,
): GenerationDescription {
  const found =
    id === undefined
      ? (all.find(({ state }) => state === 'building') ??
        all.filter(({ state }) => state !== 'active').at(-1))
      : all.find((generation) => generation.id === id);
  if (found !== undefined) return found;
  if (id !== undefined) throw noSuchGeneration(collection, id, all);
  throw new RetrievalError(
    'generation_not_found',
    `Collection "${collection}" has one generation only; begin another with "plumbline reembed ${collection}"`,
    { field: 'generation' },
  );
}
