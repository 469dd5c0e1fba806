/** Recall against latency, where measurements differ in `ef_search` alone. */
import { labelRecords } from './labels.js';
import type { EvalRecord } from '../record.js';

export interface CurvePoint {
  readonly efSearch: number;
  readonly recall: number;
  /** Median of the legs, which is where the breadth is paid for. */
  readonly ms: number;
}

export interface Curve {
  /** What its measurements have in common, as against those of other curves. */
  readonly label: string;
  /** By `ef_search`; two at least. */
  readonly points: readonly CurvePoint[];
}

/** The curves that the records hold. */
export function efSearchCurves(records: readonly EvalRecord[]): readonly Curve[] {
  const groups = new Map<string, { readonly record: EvalRecord; readonly point: CurvePoint }[]>();
  for (const record of records) {
    const { ef_search: efSearch, ...query } = record.settings.query;
    if (typeof efSearch !== 'number') continue;
    const key = JSON.stringify([{ ...record.settings, query }, record.data_set.hash, record.store]);
    const point = { efSearch, recall: record.metrics['recall@10'], ms: record.latency_ms.legs.p50 };
    groups.set(key, [...(groups.get(key) ?? []), { record, point }]);
  }
  const curves = [...groups.values()].filter((group) => group.length > 1);
  const labels = labelRecords(
    curves.flatMap(([first]) => (first === undefined ? [] : [{ ...first.record }])),
  );
  return curves.map((group, at) => ({
    label: curves.length === 1 ? 'recall@10' : (labels[at] ?? ''),
    points: group.map(({ point }) => point).sort((a, b) => a.efSearch - b.efSearch),
  }));
}
