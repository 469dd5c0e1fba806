/** Text for a terminal: made harmless, coloured, wrapped. */
import { styleText } from 'node:util';
import type { Output } from './context.js';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export function paint(output: Output, style: Style, text: string): string {
  return output.hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/** Control characters of a document could steer the terminal; each becomes a space. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ' ');
}

/** On one line: white space of any kind becomes one space. */
export function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/gu, ' ').trim();
}

/** What takes two cells of a terminal: East Asian letters and their punctuation, full-width forms, emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** Cells a text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += cells(character);
  return width;
}

function cells(character: string): number {
  if (/\p{M}|\p{Cf}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/**
 * Breaks text into lines of at most `width` cells, between words where there are any. The text's
 * own line breaks stay. No more than `maxLines` are made; the last one then ends in `…`.
 */
export function wrap(text: string, width: number, maxLines = Infinity): readonly string[] {
  const lines: string[] = [];
  for (const paragraph of text.split(/\r?\n/u)) {
    for (const line of wrapParagraph(printable(paragraph), width)) {
      if (line === '') continue;
      if (lines.length === maxLines) {
        const last = lines.pop() ?? '';
        lines.push(`${cutTo(last, width - 2)} …`);
        return lines;
      }
      lines.push(line);
    }
  }
  return lines;
}

function* wrapParagraph(paragraph: string, width: number): Generator<string> {
  let line = '';
  let lineWidth = 0;
  for (const word of paragraph.split(' ')) {
    if (word === '') continue;
    let rest = word;
    let restWidth = textWidth(rest);
    if (line !== '' && lineWidth + 1 + restWidth > width) {
      yield line;
      line = '';
      lineWidth = 0;
    }
    while (restWidth > width) {
      const head = cutTo(rest, width);
      yield head;
      rest = rest.slice(head.length);
      restWidth = textWidth(rest);
    }
    line = line === '' ? rest : `${line} ${rest}`;
    lineWidth = textWidth(line);
  }
  yield line;
}

/** The longest beginning of `text` that fits; at least one character, so that callers make headway. */
export function cutTo(text: string, width: number): string {
  let end = 0;
  let used = 0;
  for (const character of text) {
    used += cells(character);
    if (used > width && end > 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** `1,234`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** An amount of money without its currency, which only the bill knows. */
export function costText(value: number): string {
  return value >= 1
    ? value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
    : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

/** `3 documents`, `1 document`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `840 ms`, `3.2 s`, `4 min 5 s`, `2 h 3 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${String(Math.round(milliseconds))} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
