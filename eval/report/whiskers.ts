/** A measure by setting: a dot for the mean, a line for its 95 % interval; one row a setting. */
import { escapeHtml } from './html.js';

const WIDTH = 400;
const MARGIN = { left: 18, right: 68, top: 6, bottom: 24 } as const;
const ROW = 34;
/** Letters that a row has room for. */
const LABEL_LENGTH = 62;

export interface WhiskerRow {
  readonly label: string;
  readonly mean: number;
  readonly interval: readonly [low: number, high: number];
  /** The best one is drawn in the other colour. */
  readonly isBest: boolean;
}

export interface WhiskerChart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly WhiskerRow[];
}

/** @returns an `svg` element. */
export function renderWhiskers({ id, title, description, rows }: WhiskerChart): string {
  const height = MARGIN.top + rows.length * ROW + MARGIN.bottom;
  const low = Math.min(...rows.map((row) => row.interval[0]), 1);
  const high = Math.max(...rows.map((row) => row.interval[1]), 0);
  const from = Math.max(0, Math.floor(low * 20 - 0.2) / 20);
  const to = Math.min(1, Math.ceil(high * 20 + 0.2) / 20);
  const span = Math.max(0.05, to - from);
  const x = (value: number): number =>
    MARGIN.left + ((value - from) / span) * (WIDTH - MARGIN.left - MARGIN.right);
  const bottom = height - MARGIN.bottom;
  const ticks = Array.from({ length: 5 }, (_, at) => from + (span * at) / 4);
  return [
    `<svg viewBox="0 0 ${n(WIDTH)} ${n(height)}" role="img" aria-labelledby="${id}-t" aria-describedby="${id}-d">`,
    `<title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>`,
    ...ticks.map(
      (tick) =>
        `<line class="grid" x1="${n(x(tick))}" x2="${n(x(tick))}" y1="${n(MARGIN.top)}" y2="${n(bottom)}"/>` +
        `<text class="tick" x="${n(x(tick))}" y="${n(bottom + 15)}" text-anchor="middle">${String(Number(tick.toFixed(3)))}</text>`,
    ),
    ...rows.map((row, at) => drawRow(row, MARGIN.top + at * ROW, x)),
    '</svg>',
  ].join('');
}

function drawRow(
  { label, mean, interval, isBest }: WhiskerRow,
  top: number,
  x: (value: number) => number,
): string {
  const colour = isBest ? 'b' : 'a';
  const y = top + 24;
  const [low, high] = interval;
  return (
    `<text class="label" x="4" y="${n(top + 13)}">${escapeHtml(shorten(label))}</text>` +
    `<path class="whisker ${colour}" d="M${n(x(low))} ${n(y)}H${n(x(high))}M${n(x(low))} ${n(y - 4)}V${n(y + 4)}M${n(x(high))} ${n(y - 4)}V${n(y + 4)}"/>` +
    `<circle class="dot ${colour}" cx="${n(x(mean))}" cy="${n(y)}" r="4.5"/>` +
    `<text class="value" x="${n(WIDTH - 4)}" y="${n(y + 4)}" text-anchor="end">${mean.toFixed(4)}</text>`
  );
}

function shorten(label: string): string {
  const characters = Array.from(label);
  return characters.length <= LABEL_LENGTH ? label : `${characters.slice(0, LABEL_LENGTH - 1).join('')}…`;
}

/** A coordinate, short. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
