/** Reading what a new generation has to hold against the active one, and judging by it. */
import { readFile } from 'node:fs/promises';
import { RetrievalError } from '../../src/errors.js';
import { policySchema, type GatePolicy } from '../../src/generations/gate.js';
import type { Comparison } from '../compare.js';
import type { EvalRecord } from '../record.js';

export { policySchema, type GatePolicy };

/** @throws RetrievalError `invalid_request` naming the member at fault. */
export async function readPolicy(path: string): Promise<GatePolicy> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new RetrievalError('invalid_request', `The policy ${path} cannot be read as JSON`, {
      field: 'policy',
      cause: error,
    });
  }
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RetrievalError(
    'invalid_request',
    `The policy ${path} is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    { field: 'policy' },
  );
}

/** Why the gate fails, a sentence each; none when it passes. Pure. */
export function judge(
  policy: GatePolicy,
  comparison: Comparison,
  latency: {
    readonly active: EvalRecord['latency_ms']['wall'];
    readonly candidate: EvalRecord['latency_ms']['wall'];
  },
): readonly string[] {
  const reasons: string[] = [];
  if (comparison.queries < policy.min_questions) {
    reasons.push(
      `${String(comparison.queries)} questions are too few to judge by; ${String(policy.min_questions)} are wanted`,
    );
  }
  for (const metric of policy.metrics) {
    const { a, b, difference, p } = comparison.metrics[metric];
    const drop = -difference;
    const numbers = `from ${a.toFixed(4)} to ${b.toFixed(4)}`;
    if (drop > policy.max_drop_anyhow) reasons.push(`${metric} falls ${numbers}`);
    else if (drop > policy.max_drop && p < policy.significance) {
      reasons.push(`${metric} falls ${numbers}, which is significant (p = ${p.toFixed(4)})`);
    }
  }
  const { active, candidate } = latency;
  if (
    policy.max_latency_ratio !== null &&
    candidate.p95 > policy.latency_floor_ms &&
    candidate.p95 > active.p95 * policy.max_latency_ratio
  ) {
    reasons.push(
      `the p95 of a query grows from ${active.p95.toFixed(1)} to ${candidate.p95.toFixed(1)} ms, more than ${String(policy.max_latency_ratio)} times`,
    );
  }
  return reasons;
}
