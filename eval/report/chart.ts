/** Small line and area charts as inline SVG, coloured by the page's own style variables. */
import { escapeHtml } from './html.js';

/** Units of the drawing; small, so that the letters stay readable when it shrinks to a phone. */
const WIDTH = 400;
const HEIGHT = 230;
const MARGIN = { top: 14, right: 14, bottom: 40, left: 46 } as const;

interface Point {
  readonly x: number;
  readonly y: number;
  /** Drawn as a dot with this beside it. */
  readonly label?: string;
}

export interface Series {
  readonly label: string;
  /** `a` and `b` are the two colours. */
  readonly colour: 'a' | 'b';
  /** Steps for a histogram: each point begins a level that lasts to the next x. */
  readonly shape: 'line' | 'steps';
  readonly points: readonly Point[];
}

export interface Chart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** What can be seen, for those who do not see it. */
  readonly description: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Both axes begin at these where given, else at the data. */
  readonly x?: readonly [low: number, high: number];
  readonly y?: readonly [low: number, high: number];
  /** Vertical marks with a label, `p95`. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

/** @returns an `svg` element; an empty chart says so. */
export function renderChart(chart: Chart): string {
  const points = chart.series.flatMap((series) => series.points);
  const titles = `<title id="${chart.id}-t">${escapeHtml(chart.title)}</title><desc id="${chart.id}-d">${escapeHtml(chart.description)}</desc>`;
  const open = `<svg viewBox="0 0 ${n(WIDTH)} ${n(HEIGHT)}" role="img" aria-labelledby="${chart.id}-t" aria-describedby="${chart.id}-d">${titles}`;
  if (points.length === 0) {
    return `${open}<text class="tick" x="${n(WIDTH / 2)}" y="${n(HEIGHT / 2)}" text-anchor="middle">no data</text></svg>`;
  }
  const x = axis(chart.x ?? extent(points.map((point) => point.x)), [MARGIN.left, WIDTH - MARGIN.right]);
  const y = axis(chart.y ?? [0, extent(points.map((point) => point.y))[1]], [
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  ]);
  return [
    open,
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${n(MARGIN.left)}" x2="${n(WIDTH - MARGIN.right)}" y1="${n(y.at(tick))}" y2="${n(y.at(tick))}"/>` +
        `<text class="tick" x="${n(MARGIN.left - 6)}" y="${n(y.at(tick) + 4)}" text-anchor="end">${label(tick)}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<text class="tick" x="${n(x.at(tick))}" y="${n(HEIGHT - MARGIN.bottom + 15)}" text-anchor="middle">${label(tick)}</text>`,
    ),
    `<line class="axis" x1="${n(MARGIN.left)}" x2="${n(WIDTH - MARGIN.right)}" y1="${n(y.at(y.low))}" y2="${n(y.at(y.low))}"/>`,
    ...chart.series.map((series) => drawSeries(series, x, y)),
    ...(chart.marks ?? []).map((mark) => drawMark(mark, x)),
    `<text class="name" x="${n((MARGIN.left + WIDTH - MARGIN.right) / 2)}" y="${n(HEIGHT - 6)}" text-anchor="middle">${escapeHtml(chart.xLabel)}</text>`,
    `<text class="name" transform="translate(11 ${n((MARGIN.top + HEIGHT - MARGIN.bottom) / 2)}) rotate(-90)" text-anchor="middle">${escapeHtml(chart.yLabel)}</text>`,
    '</svg>',
  ].join('');
}

function drawMark(mark: { readonly x: number; readonly label: string }, x: Axis): string {
  const at = x.at(mark.x);
  // Near the right edge the label goes to the left of its line.
  const left = at > WIDTH - MARGIN.right - 30;
  return (
    `<line class="mark" x1="${n(at)}" x2="${n(at)}" y1="${n(MARGIN.top)}" y2="${n(HEIGHT - MARGIN.bottom)}"/>` +
    `<text class="tick" x="${n(at + (left ? -4 : 4))}" y="${n(MARGIN.top + 10)}" text-anchor="${left ? 'end' : 'start'}">${escapeHtml(mark.label)}</text>`
  );
}

function drawSeries(series: Series, x: Axis, y: Axis): string {
  const [first] = series.points;
  const last = series.points.at(-1);
  if (first === undefined || last === undefined) return '';
  const moves = series.points.map((point, at) => {
    const place = `${n(x.at(point.x))} ${n(y.at(point.y))}`;
    if (at === 0) return `M${place}`;
    return series.shape === 'steps' ? `H${n(x.at(point.x))}V${n(y.at(point.y))}` : `L${place}`;
  });
  const line = moves.join('');
  const base = n(y.at(y.low));
  const area = `${line}V${base}H${n(x.at(first.x))}Z`;
  const dots = series.points.flatMap((point) => {
    if (point.label === undefined) return [];
    const [left, top] = [x.at(point.x), y.at(point.y)];
    // Near the right edge the label goes to the left of its dot.
    const before = left > WIDTH - MARGIN.right - 30;
    return [
      `<circle class="dot ${series.colour}" cx="${n(left)}" cy="${n(top)}" r="3.5"/>` +
        `<text class="tick" x="${n(left + (before ? -6 : 6))}" y="${n(top + 14)}" text-anchor="${before ? 'end' : 'start'}">${escapeHtml(point.label)}</text>`,
    ];
  });
  const fill = dots.length > 0 ? '' : `<path class="area ${series.colour}" d="${area}"/>`;
  return `${fill}<path class="line ${series.colour}" d="${line}"/>${dots.join('')}`;
}

interface Axis {
  readonly low: number;
  readonly ticks: readonly number[];
  at(value: number): number;
}

function axis([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Axis {
  const span = high > low ? high - low : 1;
  return {
    low,
    ticks: niceTicks(low, low + span),
    at: (value) => from + ((value - low) / span) * (to - from),
  };
}

/** About five round numbers between low and high. */
function niceTicks(low: number, high: number): readonly number[] {
  const rough = (high - low) / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, at) => (first + at) * step);
}

function extent(values: readonly number[]): readonly [number, number] {
  return values.reduce<readonly [number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

/** A coordinate, short. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A tick's number, without binary dust. */
function label(value: number): string {
  return String(Number(value.toPrecision(6)));
}
