/** Questions about parsed HTML nodes. */
import type { DefaultTreeAdapterMap } from 'parse5';

export type Node = DefaultTreeAdapterMap['node'];
export type Element = DefaultTreeAdapterMap['element'];

const SKIPPED: ReadonlySet<string> = new Set(
  (
    'head script style nav template noscript svg canvas iframe object embed audio video map ' +
    'button input select textarea datalist dialog'
  ).split(' '),
);

/** Elements that begin and end a line of their own. */
const BLOCKS: ReadonlySet<string> = new Set(
  (
    'html body main article section aside header footer address div p h1 h2 h3 h4 h5 h6 hgroup ul ol li ' +
    'menu dl dt dd table caption thead tbody tfoot tr td th blockquote pre figure figcaption details ' +
    'summary fieldset legend form center hr search'
  ).split(' '),
);

const STRUCTURED: ReadonlySet<string> = new Set('h1 h2 h3 h4 h5 h6 pre table blockquote'.split(' '));

export function isElement(node: Node): node is Element {
  return 'tagName' in node;
}

export function isBlock(node: Node): boolean {
  return isElement(node) && BLOCKS.has(node.tagName);
}

/** What a reader does not see or does not read as content. */
export function isSkipped(node: Node): boolean {
  if (!isElement(node)) return !('value' in node) && !('childNodes' in node);
  if (SKIPPED.has(node.tagName)) return true;
  return node.attrs.some(
    ({ name, value }) =>
      name === 'hidden' ||
      (name === 'aria-hidden' && value === 'true') ||
      (name === 'role' && value === 'navigation') ||
      (name === 'style' && /display\s*:\s*none/iu.test(value)),
  );
}

export function children(node: Node): readonly Node[] {
  return 'childNodes' in node ? node.childNodes.filter((child) => !isSkipped(child)) : [];
}

/** Whether blocks with a form of their own (headings, code, tables, quotes) are inside. */
export function holdsStructure(node: Node): boolean {
  return children(node).some(
    (child) => isElement(child) && (STRUCTURED.has(child.tagName) || holdsStructure(child)),
  );
}

/** All text inside, white space as written, with a line end around every block. */
export function plainText(node: Node): string {
  const parts: string[] = [];
  appendText(node, parts);
  return parts.join('');
}

function appendText(node: Node, parts: string[]): void {
  if ('value' in node) {
    parts.push(node.value);
    return;
  }
  if (isElement(node)) {
    if (node.tagName === 'br') parts.push('\n');
    if (node.tagName === 'img') {
      parts.push(node.attrs.find(({ name }) => name === 'alt')?.value ?? '');
    }
  }
  const edge = isBlock(node) ? '\n' : '';
  parts.push(edge);
  for (const child of children(node)) appendText(child, parts);
  parts.push(edge);
}
