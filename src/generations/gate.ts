/**
 * What a quality gate is asked and what it leaves behind. The measuring itself is the evaluation's,
 * which stands above this code; whoever runs gates is given it.
 */
import { z } from 'zod';
import { warningSchema, type QueryInput } from '../retrieval/schema.js';
import type { Runtime } from '../runtime-types.js';
import { METRICS } from './measures.js';
import type { Author } from './types.js';

/** What a new generation has to hold against the active one. */
export const policySchema = z
  .strictObject({
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
  })
  .meta({ id: 'GatePolicy' });

export type GatePolicy = z.output<typeof policySchema>;

const count = z.number().int().min(0);

const comparedSchema = z.strictObject({
  a: z.number().meta({ description: 'Mean of the active generation' }),
  b: z.number().meta({ description: 'Mean of the one that is judged' }),
  difference: z.number().meta({ description: 'b − a' }),
  interval: z
    .array(z.number())
    .length(2)
    .meta({ description: '95 % bootstrap interval of the difference, over questions' }),
  p: z.number().meta({ description: 'Two-sided, of the paired randomisation test' }),
  wins: count.meta({ description: 'Questions that the judged generation answers better' }),
  losses: count.meta({ description: 'Questions that it answers worse' }),
  ties: count,
});

const changeSchema = z.strictObject({
  id: z.string().meta({ description: "The question's id in the eval set" }),
  a: z.number(),
  b: z.number(),
  difference: z.number(),
});

const latencySchema = z.strictObject({ p50: z.number(), p95: z.number() });

/** What a gate found, as it is kept with the collection. Names are the wire's. */
export const gateReportSchema = z
  .strictObject({
    generation: z.number().int(),
    against: z.number().int().meta({ description: 'The generation that was active' }),
    passed: z.boolean(),
    reasons: z.array(z.string()).meta({ description: 'Why it failed, a sentence each; none when it passed' }),
    eval_set: z.string(),
    warnings: z
      .array(warningSchema)
      .default([])
      .meta({ description: 'What the eval set expects and the collection does not hold' }),
    questions: count,
    policy: policySchema,
    metrics: z
      .strictObject({
        'ndcg@10': comparedSchema,
        'recall@10': comparedSchema,
        'recall@100': comparedSchema,
        'mrr@10': comparedSchema,
        map: comparedSchema,
      } satisfies Record<(typeof METRICS)[number], typeof comparedSchema>)
      .meta({ description: 'All measures, those of the policy and the others' }),
    gains: z.array(changeSchema).meta({ description: 'Questions that gained most, by ndcg@10; ten at most' }),
    losses: z.array(changeSchema).meta({ description: 'Questions that lost most; ten at most' }),
    latency_ms: z.strictObject({ active: latencySchema, candidate: latencySchema }),
  })
  .meta({ id: 'GateReport' });

export type GateReport = z.output<typeof gateReportSchema>;

export interface GateOptions {
  readonly collection: string;
  /** The one to judge; when absent, the one that is being built. */
  readonly generation?: number;
  /** An eval set of the collection; when absent, the only one. */
  readonly evalSet?: string;
  readonly policy: GatePolicy;
  readonly query?: Pick<QueryInput, 'mode' | 'fusion' | 'candidates' | 'rerank'>;
  readonly author: Author;
}

/** How far a gate is. */
export interface GateProgress {
  readonly stage: 'build' | 'active' | 'candidate' | 'compare';
  /** Questions asked of the generation of this stage. */
  readonly asked: number;
  readonly questions: number;
}

/** Runs a gate that was found to be possible; what it found is kept with the collection. */
export type PreparedGate = (how: {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GateProgress) => void;
}) => Promise<unknown>;

/**
 * Finds out whether a gate can be run.
 * @throws RetrievalError `generation_not_found`, `generation_conflict`, `invalid_request` without an
 *   eval set to ask, `invalid_data_set` where nothing that the set expects is there
 */
export type PrepareGate = (
  runtime: Runtime,
  options: GateOptions & { readonly signal?: AbortSignal },
) => Promise<PreparedGate>;
