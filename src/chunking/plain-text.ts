/** Structure of plain text: paragraphs with blank lines between them. */
import type { Block } from '../model.js';
import { lineAfter, skipSpace, trimEnd } from './lines.js';
import type { Steps } from './steps.js';

export function* plainTextBlocks(text: string): Steps<readonly Block[]> {
  const blocks: Block[] = [];
  let open: number | null = null;
  let lastEnd = 0;
  const close = (): void => {
    if (open !== null) blocks.push({ kind: 'paragraph', start: open, end: lastEnd });
    open = null;
  };
  let lineEnd = 0;
  for (let start = 0; start < text.length; start = lineEnd) {
    yield;
    lineEnd = lineAfter(text, start, text.length);
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
