/** Structure of plain text: paragraphs with blank lines between them. */
import type { Block } from '../model.js';
import { lineStarts, skipSpace, trimEnd } from './lines.js';

export function plainTextBlocks(text: string): readonly Block[] {
  const blocks: Block[] = [];
  const starts = lineStarts(text);
  let open: number | null = null;
  let lastEnd = 0;
  const close = (): void => {
    if (open !== null) blocks.push({ kind: 'paragraph', start: open, end: lastEnd });
    open = null;
  };
  for (const [index, start] of starts.entries()) {
    const lineEnd = starts[index + 1] ?? text.length;
    const first = skipSpace(text, start, lineEnd);
    if (first === lineEnd) {
      close();
      continue;
    }
    open ??= first;
    lastEnd = trimEnd(text, first, lineEnd);
  }
  close();
  return blocks;
}
