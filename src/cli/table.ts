/** Plain columns under a heading. */
import { oneLine, textWidth } from './text.js';

/** Lines of a table; each column is as wide as its widest cell. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const cells = [heading, ...rows].map((row) => row.map(oneLine));
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => textWidth(row[column] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - textWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
}
