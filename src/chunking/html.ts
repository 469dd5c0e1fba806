/** HTML (parsed by parse5, as browsers do) to readable text with its structure. */
import { defaultTreeAdapter, parse, parseFragment } from 'parse5';
import type { DefaultTreeAdapterMap } from 'parse5';
import type { Block } from '../model.js';
import { writeBlocks } from './html-blocks.js';
import { isElement, isSkipped, plainText } from './html-nodes.js';
import type { Element, Node } from './html-nodes.js';
import { collapse, cut } from './lines.js';
import { MAX_TITLE_LENGTH } from './markdown.js';
import { plainTextBlocks } from './plain-text.js';
import { atOnce } from './steps.js';

/** Browsers stop nesting at this depth too. Work per tag grows with it. */
const MAX_DEPTH = 512;

export interface HtmlStructure {
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly title: string | null;
}

/**
 * The text a reader sees, and nothing else: no scripts, styles, navigation, templates or hidden
 * elements, and only the one `<main>` or `<article>` where there is exactly one. Tables become
 * rows of `| cell |`, lists `- item`, quotes `> line`. A page nested too deep for a browser keeps
 * its words, as plain text.
 */
export function parseHtml(html: string): HtmlStructure {
  const document = parseBounded(html);
  if (document === null) {
    const text = withoutTags(html);
    return { text, blocks: atOnce(plainTextBlocks(text)), title: null };
  }
  const elements = [...allElements(document)];
  const titleElement = elements.find((element) => element.tagName === 'title');
  const title = titleElement === undefined ? '' : cut(collapse(plainText(titleElement)), MAX_TITLE_LENGTH);
  return { ...writeBlocks(contentRoot(document, elements)), title: title === '' ? null : title };
}

class TooDeep extends Error {}

function parseBounded(html: string): DefaultTreeAdapterMap['document'] | null {
  let depth = 0;
  const treeAdapter = {
    ...defaultTreeAdapter,
    onItemPush: (): void => {
      if ((depth += 1) > MAX_DEPTH) throw new TooDeep();
    },
    onItemPop: (): void => {
      depth -= 1;
    },
  };
  try {
    return parse(html, { treeAdapter, scriptingEnabled: false });
  } catch (error) {
    if (error instanceof TooDeep) return null;
    throw error;
  }
}

/** In document order, without what is inside a skipped element, but with `<head>`'s. */
function* allElements(node: Node): Generator<Element> {
  if (!('childNodes' in node)) return;
  for (const child of node.childNodes) {
    if (!isElement(child) || (child.tagName !== 'head' && isSkipped(child))) continue;
    yield child;
    yield* allElements(child);
  }
}

function contentRoot(document: Node, elements: readonly Element[]): Node {
  const hasText = (element: Element): boolean => plainText(element).trim() !== '';
  const isMain = (element: Element): boolean =>
    element.tagName === 'main' ||
    element.attrs.some(({ name, value }) => name === 'role' && value === 'main');
  const mains = elements.filter((element) => isMain(element) && hasText(element));
  const articles = elements.filter((element) => element.tagName === 'article').filter(hasText);
  const [root] = mains.length > 0 ? mains : articles;
  const count = mains.length > 0 ? mains.length : articles.length;
  return root !== undefined && count === 1 ? root : document;
}

/** Linear, whatever the tags are. */
function withoutTags(html: string): string {
  const bare = html
    .replace(/<!--[\s\S]*?(?:-->|$)/gu, '\n')
    .replace(/<(script|style|template)\b[\s\S]*?(?:<\/\1\s*>|$)/giu, '\n')
    .replace(/<\/?[a-z][^>]*(?:>|$)/giu, '\n')
    .replaceAll('<', '&lt;');
  const words = plainText(parseFragment(bare));
  return words
    .split('\n')
    .map(collapse)
    .filter((line) => line !== '')
    .join('\n');
}
