/** From what a source yields to canonical text with its structure. */
import type { Block, Document, RawDocument } from '../model.js';
import { parseHtml } from './html.js';
import { skipSpace, slicesOf, trimEnd } from './lines.js';
import { markdownBlocks } from './markdown.js';
import { plainTextBlocks } from './plain-text.js';
import { atOnce } from './steps.js';
import type { Steps } from './steps.js';

/**
 * Parses a document. Never fails: what no rule claims is a block of kind `other`.
 *
 * Of Markdown and plain text, `text` is the content itself, made well-formed, with NUL as U+FFFD,
 * every line end as `\n`, and no byte order mark. Of HTML it is the page's readable text. Front
 * matter is the source's to take off. The title is the given one, or HTML's `<title>`, or the first
 * heading of level 1.
 */
export function parseDocument(raw: RawDocument): Document {
  return atOnce(parseSteps(raw));
}

/** `parseDocument` in steps. What the parsers of Markdown and HTML do is one of them, however long. */
export function* parseSteps(raw: RawDocument): Steps<Document> {
  const content = yield* clean(raw.content);
  const { text, blocks, title } = yield* structure(raw.format, content);
  const heading = blocks.find((block) => block.level === 1 && block.title !== '');
  return {
    id: raw.id,
    title: raw.title ?? title ?? heading?.title ?? null,
    source: raw.source ?? null,
    text,
    blocks,
    metadata: raw.metadata,
  };
}

interface Structure {
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly title: string | null;
}

function* structure(format: RawDocument['format'], content: string): Steps<Structure> {
  switch (format) {
    case 'markdown':
      return { text: content, blocks: yield* complete(content, markdownBlocks(content)), title: null };
    case 'text':
      return { text: content, blocks: yield* plainTextBlocks(content), title: null };
    case 'html':
      return parseHtml(content);
    default:
      return format satisfies never;
  }
}

function* clean(content: string): Steps<string> {
  const slices: string[] = [];
  for (const slice of slicesOf(content.replace(/^\uFEFF/u, ''))) {
    slices.push(slice.toWellFormed().replaceAll('\0', '\uFFFD').replace(/\r\n?/gu, '\n'));
    yield;
  }
  return slices.join('');
}

/** Puts what lies between the blocks, if it is more than white space, into blocks of its own. */
function* complete(text: string, blocks: readonly Block[]): Steps<readonly Block[]> {
  const all: Block[] = [];
  let at = 0;
  const fill = (to: number): void => {
    const start = skipSpace(text, at, to);
    if (start < to) all.push({ kind: 'other', start, end: trimEnd(text, start, to) });
  };
  for (const block of blocks) {
    yield;
    if (block.start < at) continue;
    fill(block.start);
    all.push(block);
    at = block.end;
  }
  fill(text.length);
  return all;
}
