/** Plain-text tables for a terminal. */
import { METRICS } from './measures.js';
import { STAGES, type EvalRecord } from './record.js';
import type { Comparison } from './compare.js';

/** Left-aligned first column, the others right-aligned, two spaces between. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)];
}

/** The summary of a measurement. */
export function renderRecord(record: EvalRecord): readonly string[] {
  const { data_set: data, settings } = record;
  const weight = settings.query['fusion'];
  return [
    `${data.name} ${data.split} · ${String(data.queries)} queries · ${settings.mode}${
      settings.mode === 'hybrid' ? ` ${JSON.stringify(weight)}` : ''
    } · ${record.model_version} · ${record.store}`,
    '',
    ...renderTable(
      ['measure', 'mean', '95 % interval'],
      METRICS.map((metric) => [
        metric,
        fixed(record.metrics[metric]),
        record.intervals[metric].map(fixed).join(' – '),
      ]),
    ),
    '',
    ...renderTable(
      ['latency, ms', 'p50', 'p95'],
      STAGES.map((stage) => [
        stage,
        record.latency_ms[stage].p50.toFixed(1),
        record.latency_ms[stage].p95.toFixed(1),
      ]),
    ),
  ];
}

/** What a reader of the numbers has to know, each with its count. */
export function warningsOf(record: EvalRecord): readonly string[] {
  const failedQueries = record.per_query.filter((query) => query.failed === 'invalid_request').length;
  const failedDocuments = record.ingest?.failed.length ?? 0;
  const counted: readonly (readonly [number, string])[] = [
    [failedDocuments, 'documents that could not be ingested (so nothing was pruned)'],
    [failedQueries, 'queries refused as invalid (blank, or too long), which count as 0'],
    [
      // The keyword leg ends where no word matches; a short list there says nothing.
      settingsAllowShort(record) ? 0 : record.underfilled,
      `queries that got fewer than ${String(record.settings.depth)} documents (raise candidates)`,
    ],
  ];
  return [
    ...record.data_set.warnings,
    ...counted.filter(([count]) => count > 0).map(([count, what]) => `${what}: ${String(count)}`),
  ];
}

function settingsAllowShort(record: EvalRecord): boolean {
  return record.settings.mode === 'keyword';
}

/** The summary of a comparison. */
export function renderComparison(comparison: Comparison): readonly string[] {
  const changes = (title: string, rows: Comparison['gains']): readonly string[] =>
    rows.length === 0
      ? []
      : [
          '',
          ...renderTable(
            [title, 'a', 'b', 'b − a'],
            rows.map((row) => [row.id, fixed(row.a), fixed(row.b), signed(row.difference)]),
          ),
        ];
  return [
    `${comparison.data_set} ${comparison.split} · ${String(comparison.queries)} queries`,
    '',
    ...renderTable(
      ['measure', 'a', 'b', 'b − a', '95 % interval', 'p', 'wins', 'losses', 'ties'],
      METRICS.map((metric) => {
        const row = comparison.metrics[metric];
        return [
          metric,
          fixed(row.a),
          fixed(row.b),
          signed(row.difference),
          row.interval.map(signed).join(' – '),
          row.p < 0.0001 ? '< 0.0001' : row.p.toFixed(4),
          String(row.wins),
          String(row.losses),
          String(row.ties),
        ];
      }),
    ),
    'p: paired randomisation test, two-sided, not corrected for the number of measures',
    ...changes('queries gained, nDCG@10', comparison.gains),
    ...changes('queries lost, nDCG@10', comparison.losses),
    ...(comparison.settings.length === 0
      ? []
      : [
          '',
          ...renderTable(
            ['set differently', 'a', 'b'],
            comparison.settings.map((s) => [s.name, s.a, s.b]),
          ),
        ]),
  ];
}

function fixed(value: number): string {
  return value.toFixed(4);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}
