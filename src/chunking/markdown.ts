/**
 * Structure of Markdown (CommonMark with GFM tables), by markdown-it's block rules.
 *
 * Only blocks are parsed, and inline markup in headings alone: that is linear even on hostile
 * text. Links, emphasis and the rest stay in the text as written.
 */
import MarkdownIt from 'markdown-it';
import type { Block, BlockKind } from '../model.js';
import { collapse, cut, lineStarts, skipSpace, trimEnd } from './lines.js';

/** Deeper quotes and lists are text of the level above. */
const MAX_NESTING = 100;
/** Longest heading whose inline markup is read, and longest title kept, in UTF-16 code units. */
export const MAX_TITLE_LENGTH = 500;

const parser = new MarkdownIt('commonmark', { maxNesting: MAX_NESTING }).enable(['table', 'strikethrough']);
const blockRules = new MarkdownIt('commonmark', { maxNesting: MAX_NESTING }).enable('table');
blockRules.core.ruler.disable(['inline', 'text_join']);

const KINDS: Readonly<Record<string, BlockKind>> = {
  heading_open: 'heading',
  paragraph_open: 'paragraph',
  bullet_list_open: 'list',
  ordered_list_open: 'list',
  table_open: 'table',
  fence: 'code',
  code_block: 'code',
  blockquote_open: 'quote',
  html_block: 'other',
  hr: 'other',
};

/** @param text with `\n` line ends. Blocks need not cover it: link definitions are in none. */
export function markdownBlocks(text: string): readonly Block[] {
  const starts = lineStarts(text);
  const offset = (line: number): number => starts[line] ?? text.length;
  const references: Record<string, unknown> = {};
  const tokens = blockRules.parse(text, references);
  const blocks: Block[] = [];
  for (const [index, token] of tokens.entries()) {
    const kind = KINDS[token.type];
    // Headings and all else inside quotes and lists belong to these.
    if (kind === undefined || token.level !== 0 || token.map === null) continue;
    const from = offset(token.map[0]);
    const to = offset(token.map[1]);
    // Indentation means something in code only.
    const start = kind === 'code' ? from : skipSpace(text, from, to);
    const end = trimEnd(text, start, to);
    if (end <= start) continue;
    const level = kind === 'heading' ? Number(token.tag.slice(1)) : undefined;
    const html = token.type === 'html_block' ? htmlHeading(text.slice(start, end), references) : null;
    if (html !== null) blocks.push({ kind: 'heading', start, end, ...html });
    else if (level === undefined) blocks.push({ kind, start, end });
    else {
      const title = plainWords(tokens[index + 1]?.content ?? '', references);
      blocks.push({ kind, start, end, level, title });
    }
  }
  return blocks;
}

/**
 * A block that is one `<h1>` to `<h6>` and nothing else, as many a page begins with; null for all
 * other HTML, and for a heading without words.
 */
function htmlHeading(
  block: string,
  references: Record<string, unknown>,
): { readonly level: number; readonly title: string } | null {
  if (block.length > 4 * MAX_TITLE_LENGTH) return null;
  const [, level, content = ''] = /^<h([1-6])(?:\s[^>]*)?>(.*)<\/h\1\s*>$/isu.exec(block) ?? [];
  if (level === undefined || content.length > MAX_TITLE_LENGTH || /<\/?h[1-6]/iu.test(content)) return null;
  const title = plainWords(content.trim(), references);
  return title === '' ? null : { level: Number(level), title };
}

/** A heading's words without its markup. */
function plainWords(markup: string, references: Record<string, unknown>): string {
  if (markup.length > MAX_TITLE_LENGTH || !/[\\`*_[\]<>&~]/u.test(markup)) {
    return cut(collapse(cut(markup, 4 * MAX_TITLE_LENGTH)), MAX_TITLE_LENGTH);
  }
  const words: string[] = [];
  for (const token of parser.parseInline(markup, references)[0]?.children ?? []) {
    if (token.type === 'softbreak' || token.type === 'hardbreak') words.push(' ');
    else if (token.type !== 'html_inline') words.push(token.content);
  }
  return cut(collapse(words.join('')), MAX_TITLE_LENGTH);
}
