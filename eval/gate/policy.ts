/** What a new generation has to hold against the active one. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RetrievalError } from '../../src/errors.js';
import type { Comparison } from '../compare.js';
import { METRICS } from '../measures.js';
import type { EvalRecord } from '../record.js';

export const policySchema = z.strictObject({
  metrics: z
    .array(z.enum(METRICS))
    .min(1)
    .default(['ndcg@10', 'recall@10', 'mrr@10'])
    .meta({ description: 'Measures that may not fall' }),
  max_drop: z.number().min(0).max(1).default(0.01).meta({
    description: 'A fall of more than this fails, where it is significant',
  }),
  significance: z.number().gt(0).max(1).default(0.05).meta({
    description: 'Below this p of the paired randomisation test a fall is significant',
  }),
  max_drop_anyhow: z.number().min(0).max(1).default(0.05).meta({
    description: 'A fall of more than this fails also where few questions prove nothing',
  }),
  max_latency_ratio: z.number().gt(0).nullable().default(2).meta({
    description: 'p95 may grow by this factor at most; null: latency is not judged',
  }),
  latency_floor_ms: z.number().min(0).default(50).meta({
    description: 'A p95 of no more than this is fast enough, whatever the ratio',
  }),
  min_questions: z.number().int().min(1).default(10).meta({
    description: 'With fewer questions nothing is judged: the gate fails',
  }),
});

export type GatePolicy = z.output<typeof policySchema>;

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
