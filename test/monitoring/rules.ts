/** The shipped alert rules, and what of PromQL their simplest expressions need. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { packageRoot } from '../../src/package-root.js';
import type { Sample } from './support.js';

export const RULES_FILE = join(packageRoot, 'deploy', 'monitoring', 'prometheus-rules.yaml');

const fileSchema = z.strictObject({
  groups: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        rules: z
          .array(
            z.strictObject({
              alert: z.string().regex(/^Plumbline[A-Za-z]+$/u),
              expr: z.string().min(1),
              for: z
                .string()
                .regex(/^\d+[smhd]$/u)
                .optional(),
              labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
              annotations: z.strictObject({ summary: z.string().min(1), description: z.string().optional() }),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

export type Rule = z.infer<typeof fileSchema>['groups'][number]['rules'][number];

export function readRules(): readonly Rule[] {
  return fileSchema.parse(parse(readFileSync(RULES_FILE, 'utf8'))).groups.flatMap(({ rules }) => rules);
}

export function ruleOf(alert: string): Rule {
  const rule = readRules().find((one) => one.alert === alert);
  if (rule === undefined) throw new Error(`There is no rule ${alert}`);
  return rule;
}

/** The series at which `metric < number` or `metric > number` holds. Other expressions are refused. */
export function firing(rule: Rule, samples: readonly Sample[]): readonly Sample[] {
  const [, name, operator, limit] = /^(\w+) ([<>]) ([\d.]+)$/u.exec(rule.expr) ?? [];
  if (name === undefined) throw new Error(`This test cannot evaluate "${rule.expr}"`);
  return samples.filter(
    (sample) =>
      sample.name === name &&
      (operator === '<' ? sample.value < Number(limit) : sample.value > Number(limit)),
  );
}
