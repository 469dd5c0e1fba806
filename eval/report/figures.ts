/** The report's figures: each a chart, its legend, and the same numbers as a table. */
import type { EvalRecord } from '../record.js';
import { quantile } from '../statistics.js';
import { renderChart, type Chart, type Series } from './chart.js';
import { escapeHtml, renderHtmlTable, type HtmlTable } from './html.js';

const LATENCY_BINS = 30;
const RECALL_ROWS: readonly number[] = [1, 2, 3, 5, 10, 20, 30, 50, 70, 100];
const QUANTILES: readonly number[] = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1];

export function renderFigures(record: EvalRecord): string {
  return [ndcgFigure(record), recallFigure(record), latencyFigure(record), scoreFigure(record)].join('\n');
}

/** A chart with its legend, and its numbers as a table. */
export function figure(chart: Chart, table: Omit<HtmlTable, 'caption'>): string {
  const legend =
    chart.series.length < 2
      ? ''
      : `<p class="legend">${chart.series
          .map((series) => `<span><i class="${series.colour}"></i>${escapeHtml(series.label)}</span>`)
          .join('')}</p>`;
  return `<figure>
<figcaption><h3>${escapeHtml(chart.title)}</h3><p>${escapeHtml(chart.description)}</p></figcaption>
${legend}${renderChart(chart)}
<details><summary>As a table</summary>${renderHtmlTable({ ...table, caption: chart.title })}</details>
</figure>`;
}

function ndcgFigure(record: EvalRecord): string {
  const values = record.per_query.map((query) => query.metrics['ndcg@10']).sort((a, b) => b - a);
  const share = (count: number): string => percent(values.length === 0 ? 0 : count / values.length);
  const perfect = values.filter((value) => value > 1 - 1e-9).length;
  const zero = values.filter((value) => value === 0).length;
  const points = [...values, values.at(-1) ?? 0].map((y, x) => ({ x, y }));
  return figure(
    {
      id: 'ndcg',
      title: 'nDCG@10 of every query, best first',
      description: `${share(perfect)} of the queries are ranked perfectly; ${share(zero)} have nothing relevant among the first ten.`,
      xLabel: 'queries',
      yLabel: 'nDCG@10',
      series: values.length === 0 ? [] : [{ label: 'nDCG@10', colour: 'a', shape: 'steps', points }],
      x: [0, Math.max(1, values.length)],
      y: [0, 1],
    },
    {
      head: ['quantile of queries', 'nDCG@10'],
      rows: QUANTILES.map((q) => [percent(q), quantile(values, q).toFixed(4)]),
    },
  );
}

function recallFigure(record: EvalRecord): string {
  const curve = record.recall_curve;
  const at = (k: number): number => curve[k - 1] ?? 0;
  const points = curve.map((y, index) => ({ x: index + 1, y }));
  return figure(
    {
      id: 'recall',
      title: 'Recall by depth',
      description: `The first 10 documents hold ${percent(at(10))} of the relevant ones, the first ${String(curve.length)} hold ${percent(at(curve.length))}.`,
      xLabel: 'k, documents looked at',
      yLabel: 'mean recall@k',
      series: [{ label: 'recall@k', colour: 'a', shape: 'line', points }],
      x: [0, Math.max(1, curve.length)],
      y: [0, 1],
    },
    {
      head: ['k', 'recall@k'],
      rows: RECALL_ROWS.filter((k) => k <= curve.length).map((k) => [String(k), at(k).toFixed(4)]),
    },
  );
}

function latencyFigure(record: EvalRecord): string {
  const times = record.per_query.flatMap((query) => (query.took_ms === null ? [] : [query.took_ms.wall]));
  const { p50, p95 } = record.latency_ms.wall;
  // The slowest hundredth would squeeze all others into one bar; it is counted in the last.
  const low = quantile(times, 0);
  const high = Math.max(quantile(times, 0.99), low + 0.001);
  const bins = histogram(times, low, high, LATENCY_BINS);
  return figure(
    {
      id: 'latency',
      title: 'Time per query',
      description: `One query at a time, ${String(record.settings.depth)} documents each: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms. The slowest 1 % stand in the last bar.`,
      xLabel: 'milliseconds',
      yLabel: 'queries',
      series:
        times.length === 0
          ? []
          : [{ label: 'queries', colour: 'a', shape: 'steps', points: steps(bins, low, high) }],
      x: [low, high],
      marks:
        times.length === 0
          ? []
          : [
              { x: p50, label: 'p50' },
              { x: Math.min(p95, high), label: 'p95' },
            ],
    },
    {
      head: ['from, ms', 'queries'],
      rows: bins.map((count, at) => [(low + (at * (high - low)) / LATENCY_BINS).toFixed(1), String(count)]),
    },
  );
}

/** `id` is unique in the page; `title` says which measurement, where there are several. */
export function scoreFigure(
  record: EvalRecord,
  id = 'scores',
  title = 'Scores of relevant and other hits',
): string {
  const { edges, relevant, other } = record.scores;
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  const shares = (counts: readonly number[]): readonly number[] => {
    const all = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => (all === 0 ? 0 : (100 * count) / all));
  };
  const series = (label: string, colour: Series['colour'], counts: readonly number[]): Series => ({
    label,
    colour,
    shape: 'steps',
    points: counts.length === 0 ? [] : steps(shares(counts), low, high),
  });
  return figure(
    {
      id,
      title,
      description:
        'Share of each group by score. The further apart the two, the better a score threshold works. A hit without a judgement counts as other.',
      xLabel: 'score',
      yLabel: '% of the group',
      series: [series('relevant', 'a', relevant), series('other', 'b', other)],
      x: [low, high],
    },
    {
      head: ['from score', 'relevant hits', 'other hits'],
      rows: relevant.map((count, at) => [(edges[at] ?? 0).toFixed(4), String(count), String(other[at] ?? 0)]),
    },
  );
}

/** A histogram's outline; the last level is repeated at the right border. */
function steps(counts: readonly number[], low: number, high: number): Series['points'] {
  const width = (high - low) / Math.max(1, counts.length);
  return [...counts, counts.at(-1) ?? 0].map((y, at) => ({ x: low + at * width, y }));
}

function histogram(values: readonly number[], low: number, high: number, bins: number): readonly number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

function percent(share: number): string {
  return `${String(Number((100 * share).toFixed(1)))} %`;
}
