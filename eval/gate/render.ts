/** A gate's result as lines for people. */
import type { GateResult } from './gate.js';

export function renderGate(result: GateResult): readonly string[] {
  const { active, candidate, comparison, passed, reasons } = result;
  const rows = Object.entries(comparison.metrics).map(([metric, found]) => {
    const [low, high] = found.interval;
    return `  ${metric.padEnd(11)} ${found.a.toFixed(4)} → ${found.b.toFixed(4)}  ${signed(found.difference)} [${signed(low)}, ${signed(high)}]  p ${found.p < 0.001 ? '< 0.001' : found.p.toFixed(3)}  better ${String(found.wins)}, worse ${String(found.losses)}, same ${String(found.ties)}`;
  });
  const wall = `${active.latency_ms.wall.p95.toFixed(1)} → ${candidate.latency_ms.wall.p95.toFixed(1)} ms`;
  const change = (title: string, changes: typeof comparison.gains): string[] =>
    changes.length === 0
      ? []
      : [`  ${title}: ${changes.map(({ id, difference }) => `${id} (${signed(difference)})`).join(', ')}`];
  return [
    `Generation ${String(candidate.generation)} (${candidate.model_version}) against ${String(active.generation)} (${active.model_version}), ${String(comparison.queries)} questions of "${result.evalSet}":`,
    ...rows,
    `  p95         ${wall}`,
    ...change('largest gains by ndcg@10', comparison.gains),
    ...change('largest losses by ndcg@10', comparison.losses),
    passed ? 'The gate is passed.' : `The gate has failed: ${reasons.join('; ')}.`,
  ];
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(4)}`;
}
