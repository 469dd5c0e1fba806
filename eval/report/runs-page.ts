/**
 * Several measurements as one HTML file that needs nothing else: what was best and by how much,
 * each measure by setting, recall against latency, scores, and every question.
 */
import { METRICS, type Metric } from '../measures.js';
import type { EvalRecord } from '../record.js';
import { judge, sayVerdict, type Lead, type Verdict } from '../sweep/verdict.js';
import { warningsOf } from '../tables.js';
import { efSearchCurves, type Curve } from './curve.js';
import { figure, scoreFigure } from './figures.js';
import { escapeHtml, renderHtmlTable } from './html.js';
import { labelRecords } from './labels.js';
import { renderQuestions } from './questions-table.js';
import { SCRIPT, SCRIPT_POLICY } from './script.js';
import { STYLE } from './style.js';
import { renderWhiskers } from './whiskers.js';

/** Distributions that are drawn at once; of more, the others are folded away. */
const OPEN_SCORES = 4;

export interface RunsPage {
  readonly records: readonly [EvalRecord, ...EvalRecord[]];
  /** What chooses the best. */
  readonly by: Metric;
  /** Shown in place of what the records differ in. */
  readonly labels?: readonly string[];
}

/** @throws RetrievalError `invalid_request` when the records are not of the same questions. */
export function renderRuns({ records, by, ...given }: RunsPage): string {
  const [first] = records;
  const labels = given.labels ?? labelRecords(records);
  const verdict = judge(records, by);
  const heading = `${first.data_set.name}, ${first.data_set.split} split`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src ${SCRIPT_POLICY}">
<title>${escapeHtml(`Retrieval quality: ${heading}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Retrieval quality: ${escapeHtml(heading)}</h1>
<p class="soft">${escapeHtml(summaryLine(records))}</p>
${renderWarnings(records, labels)}
${records.length > 1 ? `<p class="verdict">${escapeHtml(sayVerdict(verdict, labels))}</p>` : ''}
<h2>By setting</h2>
<div class="card settings">${renderSettings(records, labels, verdict)}</div>
<h2>Measures, with 95 % intervals</h2>
<div class="grid-of-two">
${METRICS.map((metric) => renderMetric(metric, records, labels, verdict)).join('\n')}
</div>
${renderCurves(efSearchCurves(records))}
<h2>Scores of relevant and other hits</h2>
${renderScores(records, labels)}
<h2>Questions</h2>
<div class="card">${renderQuestions({ records, labels, winner: verdict.winner })}</div>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function summaryLine(records: readonly [EvalRecord, ...EvalRecord[]]): string {
  const [first] = records;
  const dates = [...new Set(records.map((record) => record.started_at.slice(0, 10)))].sort();
  return [
    `${String(first.data_set.queries)} judged questions`,
    `${String(records.length)} measurement${records.length === 1 ? '' : 's'}`,
    [...new Set(records.map((record) => record.model_version))].join(', '),
    [...new Set(records.map((record) => record.store))].join(', '),
    dates.length > 1 ? `${dates[0] ?? ''} to ${dates.at(-1) ?? ''}` : (dates[0] ?? ''),
  ].join(' · ');
}

function renderWarnings(records: readonly EvalRecord[], labels: readonly string[]): string {
  const byText = new Map<string, string[]>();
  for (const [at, record] of records.entries()) {
    for (const warning of warningsOf(record)) {
      byText.set(warning, [...(byText.get(warning) ?? []), labels[at] ?? '']);
    }
  }
  if (byText.size === 0) return '';
  const items = [...byText].map(([warning, of]) => {
    const where = of.length === records.length ? '' : ` (${of.join('; ')})`;
    return `<li>${escapeHtml(`${warning}${where}`)}</li>`;
  });
  return `<ul class="warnings">${items.join('')}</ul>`;
}

function renderSettings(
  records: readonly EvalRecord[],
  labels: readonly string[],
  { by, leads }: Verdict,
): string {
  const compares = records.length > 1;
  const order = [...records.keys()].sort(
    (a, b) => (records[b]?.metrics[by] ?? 0) - (records[a]?.metrics[by] ?? 0),
  );
  return renderHtmlTable({
    caption: compares
      ? `Behind the best by ${by}: paired randomisation test, p corrected by Holm for ${String(records.length - 1)} comparisons`
      : 'Means over all questions',
    head: [
      'setting',
      ...METRICS,
      ...(compares ? ['behind', '95 %', 'p, Holm'] : []),
      'chunks',
      'p50 ms',
      'p95 ms',
    ],
    rows: order.map((at) => {
      const record = records[at];
      const lead = leads[at] ?? null;
      if (record === undefined) return [];
      return [
        labels[at] ?? '',
        ...METRICS.map((metric) => record.metrics[metric].toFixed(4)),
        ...(compares ? behind(lead) : []),
        String(record.collection.chunks),
        record.latency_ms.wall.p50.toFixed(1),
        record.latency_ms.wall.p95.toFixed(1),
      ];
    }),
  });
}

function behind(lead: Lead | null): readonly string[] {
  if (lead === null) return ['best', '', ''];
  const interval = lead.interval.map((value) => value.toFixed(4)).join(' to ');
  return [lead.difference.toFixed(4), interval, sayP(lead.pHolm)];
}

function sayP(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

function renderMetric(
  metric: Metric,
  records: readonly EvalRecord[],
  labels: readonly string[],
  { by, winner }: Verdict,
): string {
  const title = metric;
  const rows = records.map((record, at) => ({
    label: labels[at] ?? '',
    mean: record.metrics[metric],
    interval: record.intervals[metric],
    isBest: records.length > 1 && at === winner,
  }));
  const description =
    metric === by && records.length > 1
      ? 'The best by this measure is in the other colour.'
      : 'Mean over all questions; bootstrap over questions.';
  return `<figure>
<figcaption><h3>${escapeHtml(title)}</h3><p>${escapeHtml(description)}</p></figcaption>
${renderWhiskers({ id: `m-${metric.replace('@', '-')}`, title: `${metric} by setting`, description, rows })}
</figure>`;
}

function renderCurves(curves: readonly Curve[]): string {
  if (curves.length === 0) return '';
  const figures = curves.map(({ label, points }, at) => {
    const recalls = points.map(({ recall }) => recall);
    const low = Math.max(0, Math.floor(Math.min(...recalls) * 20) / 20 - 0.05);
    const most = Math.max(...points.map(({ ms }) => ms), 0.001);
    return figure(
      {
        id: `curve-${String(at)}`,
        title: `Recall and latency by ef_search${curves.length === 1 ? '' : `: ${label}`}`,
        description: 'Each dot is one ef_search: the median time of the search against the mean recall@10.',
        xLabel: 'median of the search, milliseconds',
        yLabel: 'recall@10',
        series: [
          {
            label,
            colour: 'a',
            shape: 'line',
            points: points.map(({ efSearch, recall, ms }) => ({ x: ms, y: recall, label: String(efSearch) })),
          },
        ],
        x: [0, most * 1.1],
        y: [low, Math.min(1, Math.max(...recalls) + 0.02)],
      },
      {
        head: ['ef_search', 'recall@10', 'median, ms'],
        rows: points.map(({ efSearch, recall, ms }) => [String(efSearch), recall.toFixed(4), ms.toFixed(2)]),
      },
    );
  });
  return `<h2>Recall and latency</h2>\n<div class="grid-of-two">${figures.join('\n')}</div>`;
}

function renderScores(records: readonly EvalRecord[], labels: readonly string[]): string {
  const figures = records.map((record, at) => scoreFigure(record, `scores-${String(at)}`, labels[at] ?? ''));
  const open = `<div class="grid-of-two">${figures.slice(0, OPEN_SCORES).join('\n')}</div>`;
  const rest = figures.slice(OPEN_SCORES);
  if (rest.length === 0) return open;
  return `${open}<details><summary>${String(rest.length)} more</summary><div class="grid-of-two">${rest.join('\n')}</div></details>`;
}
