/**
 * The quality gate: a collection's eval set is asked of the active generation and of another one,
 * and the other may not be worse than the policy allows. What was found is kept with the
 * collection, and decides whether the generation may become active.
 */
import { RetrievalError } from '../../src/errors.js';
import type { Author, GenerationDescription } from '../../src/generations/types.js';
import type { QueryInput } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';
import { compareRecords } from '../compare.js';
import type { Comparison } from '../compare.js';
import type { DataSet } from '../dataset.js';
import { questionSet } from '../questions.js';
import type { EvalRecord } from '../record.js';
import { evaluate } from '../run.js';
import type { EvalProgress } from '../run.js';
import { judge } from './policy.js';
import type { GatePolicy } from './policy.js';

export interface GateOptions {
  readonly collection: string;
  /** The one to judge; when absent, the one that is being built. */
  readonly generation?: number;
  /** An eval set of the collection; when absent, the only one. */
  readonly evalSet?: string;
  readonly policy: GatePolicy;
  readonly query?: Pick<QueryInput, 'mode' | 'fusion' | 'candidates' | 'rerank'>;
  readonly author: Author;
  readonly signal?: AbortSignal;
  readonly onProgress?: (side: 'active' | 'candidate', progress: EvalProgress) => void;
}

export interface GateResult {
  readonly passed: boolean;
  readonly reasons: readonly string[];
  readonly active: EvalRecord;
  readonly candidate: EvalRecord;
  readonly comparison: Comparison;
  readonly evalSet: string;
}

/** @throws RetrievalError `generation_not_found`, `invalid_request` without an eval set, and what evaluating throws. */
export async function runGate(runtime: Runtime, options: GateOptions): Promise<GateResult> {
  const { collection, policy, author, signal } = options;
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
  // Documents that one of the two lacks would be counted against it.
  if (candidate.missing > 0) await runtime.generations.build(collection, candidate.id, author, call);
  const { name, dataSet } = await loadEvalSet(runtime, collection, options.evalSet, call);

  const measure = async (generation: number, side: 'active' | 'candidate'): Promise<EvalRecord> => {
    const { record } = await evaluate(runtime, dataSet, {
      target: { kind: 'existing', collection, generation },
      query: options.query ?? {},
      ...call,
      ...(options.onProgress === undefined
        ? {}
        : { onProgress: (progress) => options.onProgress?.(side, progress) }),
    });
    return record;
  };
  const ofActive = await measure(active.id, 'active');
  const ofCandidate = await measure(candidate.id, 'candidate');
  const comparison = compareRecords(ofActive, ofCandidate);
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
    evalSet: name,
  };
  await runtime.generations.recordGate(
    collection,
    {
      generation: candidate.id,
      against: active.id,
      passed: result.passed,
      reasons,
      eval_set: name,
      questions: comparison.queries,
      policy: { ...policy },
      metrics: JSON.parse(JSON.stringify(comparison.metrics)) as Record<string, never>,
      latency_ms: {
        active: { p50: ofActive.latency_ms.wall.p50, p95: ofActive.latency_ms.wall.p95 },
        candidate: { p50: ofCandidate.latency_ms.wall.p50, p95: ofCandidate.latency_ms.wall.p95 },
      },
    },
    author,
    call,
  );
  return result;
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
  throw new RetrievalError(
    'generation_not_found',
    id === undefined
      ? `Collection "${collection}" has one generation only; begin another with "plumbline reembed ${collection}"`
      : `Collection "${collection}" has no generation ${String(id)}; there are: ${all.map((one) => String(one.id)).join(', ')}`,
    { field: 'generation' },
  );
}

async function loadEvalSet(
  runtime: Runtime,
  collection: string,
  name: string | undefined,
  call: { readonly signal?: AbortSignal },
): Promise<{ readonly name: string; readonly dataSet: DataSet }> {
  const sets = await runtime.evalSets.list(collection, call);
  const [only] = sets;
  if (name === undefined && (only === undefined || sets.length > 1)) {
    throw new RetrievalError(
      'invalid_request',
      only === undefined
        ? `Collection "${collection}" has no eval set; add one with "plumbline evalset add ${collection} FILE"`
        : `Collection "${collection}" has several eval sets; name one of: ${sets.map((set) => set.name).join(', ')}`,
      { field: 'eval_set' },
    );
  }
  const set = await runtime.evalSets.get(collection, name ?? only?.name ?? '', call);
  const questions = set.questions.map((value, at) => ({ number: at + 1, value }));
  const file = { path: set.name, label: `eval set "${set.name}"` };
  return { name: set.name, dataSet: questionSet(file, set.name, questions) };
}
