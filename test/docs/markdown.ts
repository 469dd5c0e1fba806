/** Reading our own documentation, so that tests can hold it to the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export function readDoc(path: string): string {
  return readFileSync(join(packageRoot, path), 'utf8');
}

/** The rows of the first table under a heading, each a list of its cells; the header row is left out. */
export function tableUnder(markdown: string, heading: string): readonly (readonly string[])[] {
  const lines = section(markdown, heading).split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end < 0 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/u)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

/** What stands under a heading, up to the next one of the same or a higher level. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`There is no heading "${heading}"`);
  const level = /^#+/u.exec(heading)?.[0].length ?? 0;
  const end = lines.findIndex(
    (line, index) => index > start && new RegExp(`^#{1,${level}} `, 'u').test(line),
  );
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** A cell without the backticks of inline code. */
export function plain(cell: string | undefined): string {
  return (cell ?? '').replace(/^`(.*)`$/u, '$1');
}
