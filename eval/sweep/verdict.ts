/** Which of several measurements is the best, and whether that is more than luck. */
import { assertComparable } from '../compare.js';
import type { Metric } from '../measures.js';
import type { EvalRecord } from '../record.js';
import { bootstrapInterval, holm, mean, randomisationTest } from '../statistics.js';

/** The level at which a lead counts as significant. */
const LEVEL = 0.05;
/** Others that the verdict names. */
const NAMED = 4;
/** Differences below this are rounding, not wins. */
const TIE = 1e-9;

export interface Lead {
  /** Of the winner over this one. */
  readonly difference: number;
  /** 95 % bootstrap interval of the difference, over questions. */
  readonly interval: readonly [low: number, high: number];
  /** Two-sided, of the paired randomisation test. */
  readonly p: number;
  /** Corrected by Holm's method for as many comparisons as there are others. */
  readonly pHolm: number;
}

export interface Verdict {
  readonly by: Metric;
  /** Place of the best one; of equals, the first. */
  readonly winner: number;
  /** The winner's lead over each; null for itself. */
  readonly leads: readonly (Lead | null)[];
  /** Places of those that the winner does not beat significantly. */
  readonly asGood: readonly number[];
}

/** @throws RetrievalError `invalid_request` when they are not measurements of the same questions. */
export function judge(records: readonly [EvalRecord, ...EvalRecord[]], by: Metric): Verdict {
  const [first] = records;
  for (const record of records) assertComparable(first, record);
  let winner = 0;
  for (const [at, { metrics }] of records.entries()) {
    if (metrics[by] > (records[winner]?.metrics[by] ?? 0) + TIE) winner = at;
  }
  const best = records[winner] ?? first;
  const ofBest = new Map(best.per_query.map(({ id, metrics }) => [id, metrics[by]]));
  const raw = records.map((record, at) => {
    if (at === winner) return null;
    const differences = record.per_query.map(({ id, metrics }) => {
      const difference = (ofBest.get(id) ?? 0) - metrics[by];
      return Math.abs(difference) < TIE ? 0 : difference;
    });
    return {
      difference: mean(differences),
      interval: bootstrapInterval(differences),
      p: randomisationTest(differences),
    };
  });
  const corrected = holm(raw.flatMap((lead) => (lead === null ? [] : [lead.p])));
  let next = 0;
  const leads = raw.map((lead): Lead | null => {
    if (lead === null) return null;
    const pHolm = corrected[next] ?? 1;
    next += 1;
    return { ...lead, pHolm };
  });
  return {
    by,
    winner,
    leads,
    asGood: leads.flatMap((lead, at) => (lead !== null && lead.pHolm >= LEVEL ? [at] : [])),
  };
}

/** The verdict as a sentence. */
export function sayVerdict(verdict: Verdict, names: readonly string[]): string {
  const { by, winner, leads, asGood } = verdict;
  const name = names[winner] ?? '';
  if (leads.length === 1) return `${name} is the only one; there is nothing to compare it with.`;
  if (asGood.length === 0) {
    return `${name} won by ${by}, significantly against each other one (Holm-corrected p < ${String(LEVEL)}).`;
  }
  const first = asGood.slice(0, NAMED).map((at) => names[at] ?? '');
  const rest = asGood.length - first.length;
  const others = [...first, ...(rest > 0 ? [`${String(rest)} more`] : [])].join('; ');
  return `${name} has the highest ${by}, but its lead over these is within what luck can do (Holm-corrected p ≥ ${String(LEVEL)}): ${others}.`;
}
