/** Quality gates and eval sets, on the wire. */
import { z } from 'zod';
import { MAX_QUESTIONS } from '../../generations/eval-sets.js';
import { gateReportSchema, policySchema } from '../../generations/gate.js';
import { questionSchema } from '../../generations/questions.js';
import { jsonValueSchema, warningSchema } from '../../retrieval/schema.js';
import { collectionNameSchema, limitSchema } from './common.js';
import { authorSchema } from './generation.js';

export const newGateSchema = z
  .strictObject({
    policy: policySchema.prefault({}),
    eval_set: z.string().min(1).optional().meta({ description: 'The only one, when absent' }),
    ...authorSchema.shape,
  })
  .meta({
    id: 'NewGate',
    examples: [{ eval_set: 'questions', policy: { max_drop: 0.02 }, by: 'ops' }],
  });

export const gateSchema = z
  .strictObject({
    generation: z.number().int(),
    run: z
      .strictObject({
        state: z.enum(['running', 'done', 'failed']),
        stage: z
          .enum(['build', 'active', 'candidate', 'compare'])
          .nullable()
          .meta({ description: 'What is built, or which generation is asked' }),
        asked: z.number().int().nullable(),
        questions: z.number().int().nullable(),
        error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
      })
      .nullable()
      .meta({ description: 'The latest gate of this process of the service; null when there was none' }),
    result: z
      .strictObject({ ...gateReportSchema.shape, at: z.string() })
      .nullable()
      .meta({ description: 'What the latest gate found, whoever ran it; null before one was run' }),
  })
  .meta({ id: 'Gate' });

export type GateWire = z.output<typeof gateSchema>;

const setNameSchema = z.string().meta({
  description: 'Name of the eval set, up to 100 letters, digits, blanks, `.`, `_` and `-`',
  examples: ['questions'],
});

export const evalSetParams = z.strictObject({ name: collectionNameSchema, set: setNameSchema });

export const newEvalSetSchema = z
  .strictObject({ questions: z.array(questionSchema).min(1).max(MAX_QUESTIONS) })
  .meta({
    id: 'NewEvalSet',
    description: 'Questions as the lines of a question file; other members of a question are kept',
    examples: [
      {
        questions: [
          {
            query: 'How long is parental leave?',
            expected: [{ document: 'hr/leave.md', passage: 'fourteen weeks' }],
          },
        ],
      },
    ],
  });

export const evalSetSummarySchema = z
  .strictObject({
    name: z.string(),
    questions: z.number().int(),
    at: z.string().meta({ description: 'When it was put' }),
  })
  .meta({ id: 'EvalSetSummary' });

export const keptEvalSetSchema = z
  .strictObject({
    ...evalSetSummarySchema.shape,
    warnings: z.array(warningSchema).meta({
      description:
        'Expected documents and passages that the collection does not hold (yet); empty when there are none',
    }),
  })
  .meta({ id: 'KeptEvalSet' });

export const evalSetListSchema = z.strictObject({ eval_sets: z.array(evalSetSummarySchema) });

export const evalSetQuery = z.strictObject({
  limit: z.coerce.number().pipe(limitSchema).default(100),
  offset: z.coerce.number().int().min(0).default(0).meta({ description: 'Questions to pass over' }),
});

export const evalSetSchema = z
  .strictObject({
    name: z.string(),
    total: z.number().int().meta({ description: 'Questions of the whole set' }),
    questions: z.array(z.record(z.string(), jsonValueSchema)),
    next: z.number().int().nullable().meta({ description: 'The `offset` of the following page' }),
  })
  .meta({ id: 'EvalSet' });
