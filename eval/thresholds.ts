/** What a measurement has to reach, for a build that fails when it does not. */
import { RetrievalError } from '../src/errors.js';
import { METRICS, type Metric } from './measures.js';
import type { EvalRecord } from './record.js';

export interface Threshold {
  readonly metric: Metric;
  readonly least: number;
}

export interface Outcome extends Threshold {
  readonly value: number;
  readonly isMet: boolean;
}

/**
 * Reads `ndcg@10=0.7`.
 * @throws RetrievalError `invalid_request`.
 */
export function parseThreshold(text: string): Threshold {
  const at = text.lastIndexOf('=');
  const metric = METRICS.find((name) => name === text.slice(0, Math.max(0, at)));
  const value = text.slice(at + 1);
  const least = Number(value);
  if (metric === undefined || !/^\d*\.?\d+$/u.test(value) || least > 1) {
    throw new RetrievalError(
      'invalid_request',
      `A threshold is MEASURE=VALUE with a value from 0 to 1, such as ndcg@10=0.7; measures are ${METRICS.join(', ')}`,
      { field: 'fail-under' },
    );
  }
  return { metric, least };
}

/** A value that equals the threshold meets it. */
export function checkThresholds(record: EvalRecord, thresholds: readonly Threshold[]): readonly Outcome[] {
  return thresholds.map((threshold) => {
    const value = record.metrics[threshold.metric];
    return { ...threshold, value, isMet: value >= threshold.least };
  });
}
