/** Writes HTML's content as canonical text, block by block. */
import type { Block, BlockKind } from '../model.js';
import { children, holdsStructure, isBlock, isElement, plainText } from './html-nodes.js';
import type { Element, Node } from './html-nodes.js';
import { collapse, cut } from './lines.js';
import { MAX_TITLE_LENGTH } from './markdown.js';

export interface WrittenBlocks {
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** Two blocks have one blank line between them. */
const GAP = '\n\n';

export function writeBlocks(root: Node): WrittenBlocks {
  const parts: string[] = [];
  const blocks: Block[] = [];
  let length = 0;
  let inline: string[] = [];

  const add = (kind: BlockKind, content: string, level?: number): void => {
    if (content.trim() === '') return;
    if (length > 0) {
      parts.push(GAP);
      length += GAP.length;
    }
    parts.push(content);
    const span = { start: length, end: length + content.length };
    length = span.end;
    if (level === undefined) blocks.push({ kind, ...span });
    else blocks.push({ kind, ...span, level, title: cut(content, MAX_TITLE_LENGTH) });
  };
  const flush = (): void => {
    const paragraph = lines(inline.join('')).join('\n');
    inline = [];
    add('paragraph', paragraph);
  };
  const walk = (node: Node): void => {
    for (const child of children(node)) {
      // An inline element around blocks (a link around a card) is only a container.
      if (!isBlock(child) && !(isElement(child) && holdsBlocks(child))) {
        inline.push(plainInline(child));
        continue;
      }
      flush();
      if (isElement(child)) writeElement(child);
      flush();
    }
  };
  const writeElement = (element: Element): void => {
    const { tagName } = element;
    if (/^h[1-6]$/u.test(tagName)) add('heading', collapse(plainText(element)), Number(tagName[1]));
    else if (tagName === 'pre') add('code', codeText(element));
    else if (tagName === 'table' && !holdsStructure(element)) {
      const { caption, rows } = tableText(element);
      add('paragraph', caption);
      add('table', rows);
    } else if (/^(?:ul|ol|menu)$/u.test(tagName) && !holdsStructure(element))
      add('list', listText(element, 0));
    else if (tagName === 'blockquote' && !holdsStructure(element)) add('quote', quoteText(element));
    else walk(element);
  };

  walk(root);
  flush();
  return { text: parts.join(''), blocks };
}

function holdsBlocks(node: Node): boolean {
  return children(node).some((child) => isBlock(child) || holdsBlocks(child));
}

/** Line ends of the source are only spaces; those of `<br>` and blocks are kept. */
function plainInline(node: Node): string {
  if ('value' in node) return node.value.replace(/\s+/gu, ' ');
  if (isElement(node) && (node.tagName === 'br' || node.tagName === 'img')) return plainText(node);
  const inside = children(node).map(plainInline).join('');
  return isBlock(node) ? `\n${inside}\n` : inside;
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map(collapse)
    .filter((line) => line !== '');
}

function codeText(element: Element): string {
  return plainText(element)
    .replace(/^(?:[^\S\n]*\n)+/u, '')
    .trimEnd();
}

function quoteText(element: Element): string {
  return lines(plainInline(element))
    .map((line) => `> ${line}`)
    .join('\n>\n');
}

function listText(list: Element, depth: number): string {
  const written: string[] = [];
  const indent = '  '.repeat(depth);
  let number = Number.parseInt(list.attrs.find(({ name }) => name === 'start')?.value ?? '1', 10) || 1;
  for (const item of children(list)) {
    const isItem = isElement(item) && item.tagName === 'li';
    const marker = list.tagName === 'ol' ? `${String(number)}. ` : '- ';
    if (isItem) number += 1;
    const own: string[] = [];
    const nested: string[] = [];
    const collect = (node: Node): void => {
      for (const child of children(node)) {
        if (isElement(child) && /^(?:ul|ol|menu)$/u.test(child.tagName))
          nested.push(listText(child, depth + 1));
        else if (isBlock(child) || holdsBlocks(child)) {
          own.push('\n');
          collect(child);
          own.push('\n');
        } else own.push(plainInline(child));
      }
    };
    if (isElement(item) && !isItem && /^(?:ul|ol|menu)$/u.test(item.tagName))
      nested.push(listText(item, depth + 1));
    else if (isElement(item)) collect(item);
    else own.push(plainInline(item));
    const text = lines(own.join('')).join(`\n${indent}  `);
    if (text !== '') written.push(`${indent}${marker}${text}`);
    written.push(...nested.filter((part) => part !== ''));
  }
  return written.join('\n');
}

/** Rows as in Markdown, the first with a rule under it when it is made of header cells. */
function tableText(table: Element): { readonly caption: string; readonly rows: string } {
  const rows: string[] = [];
  let caption = '';
  const visit = (node: Node): void => {
    for (const child of children(node)) {
      if (!isElement(child)) continue;
      if (child.tagName === 'caption') caption = collapse(plainInline(child));
      else if (child.tagName !== 'tr') visit(child);
      else {
        const cells = children(child).filter(isElement);
        const texts = cells.map((cell) => collapse(plainInline(cell)).replaceAll('|', '\\|'));
        if (texts.every((text) => text === '')) continue;
        rows.push(`| ${texts.join(' | ')} |`);
        const isHeader = rows.length === 1 && cells.every((cell) => cell.tagName === 'th');
        if (isHeader) rows.push(`|${' --- |'.repeat(cells.length)}`);
      }
    }
  };
  visit(table);
  return { caption, rows: rows.join('\n') };
}
