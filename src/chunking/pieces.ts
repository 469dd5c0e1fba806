/** A block cut into the pieces that chunks are packed from. */
import type { Block, ChunkSplit, Tokenizer } from '../model.js';
import { lineAfter, skipSpace, trimEnd } from './lines.js';
import { splitSpan } from './split-text.js';
import type { Limits, Part } from './split-text.js';
import type { Steps } from './steps.js';

/** What is never divided further while packing. */
export interface Piece extends Part {
  readonly section: number;
  /** Whether sentences of it may be repeated in the next chunk. */
  readonly isProse: boolean;
  readonly isHeading: boolean;
  /** Put before a chunk's text that begins with this piece: its table's header, its code's fence. */
  readonly lead: Decoration;
  /** Put after a chunk's text that ends with this piece: the fence that closes its code. */
  readonly trail: Decoration;
}

export interface Decoration {
  readonly text: string;
  readonly tokens: number;
}

export const NO_DECORATION: Decoration = { text: '', tokens: 0 };

/** A repeated header or fence takes at most this part of a chunk; a longer one is not repeated. */
const DECORATION_SHARE = 1 / 4;

/** What all pieces of a block have in common. */
type Common = Pick<Piece, 'section' | 'isProse' | 'isHeading'>;
type Decorations = Pick<Piece, 'lead' | 'trail'>;

const UNDECORATED: Decorations = { lead: NO_DECORATION, trail: NO_DECORATION };

/** Written out: pieces are many, and spreading common parts into each costs more than all else. */
export function pieceOf(
  { section, isProse, isHeading }: Common,
  part: Part,
  before = part.before,
  start = part.start,
  { lead, trail } = UNDECORATED,
): Piece {
  return { section, isProse, isHeading, start, end: part.end, tokens: part.tokens, before, lead, trail };
}

/** The pieces of a block, in order; together they hold all of it but white space. */
export function* blockPieces(
  text: string,
  block: Block,
  section: number,
  limits: Limits,
  tokenizer: Tokenizer,
): Steps<readonly Piece[]> {
  const isProse = block.kind !== 'table' && block.kind !== 'code' && block.kind !== 'heading';
  const common = { section, isProse, isHeading: block.kind === 'heading' };
  const length = block.end - block.start;
  const tokens = length <= limits.characters ? tokenizer.count(text.slice(block.start, block.end)) : Infinity;
  if (tokens <= limits.tokens) {
    return [pieceOf(common, { start: block.start, end: block.end, tokens, before: 'block' })];
  }

  const decorate = (decoration: string): Decoration => {
    const bound = decoration.length <= limits.characters * DECORATION_SHARE;
    const count = bound ? tokenizer.count(decoration) : Infinity;
    return count <= limits.tokens * DECORATION_SHARE ? { text: decoration, tokens: count } : NO_DECORATION;
  };
  switch (block.kind) {
    case 'table': {
      const lines = yield* linesOf(text, block);
      const header = headerEnd(text, lines);
      const lead = header === null ? NO_DECORATION : decorate(`${text.slice(block.start, header)}\n`);
      const spans = header === null ? lines : [{ start: block.start, end: header }, ...lines.slice(2)];
      // The rest of a row that was cut is no row: a header before it would be wrong.
      const repeated = { lead, trail: NO_DECORATION };
      return yield* cutSpans(spans, lead, NO_DECORATION, ({ index, isWhole }) =>
        index > 0 && isWhole ? repeated : UNDECORATED,
      );
    }
    case 'code': {
      const lines = yield* linesOf(text, block);
      const fence = fenceOf(text, lines);
      if (fence === null) return yield* cutSpans(lines);
      const lead = decorate(`${fence.opening}\n`);
      const trail = lead === NO_DECORATION ? NO_DECORATION : decorate(`\n${fence.closing}`);
      // Neither fence stands in a chunk without a line of code.
      const spans = glue(glue(lines, 0), fence.isClosed ? lines.length - 3 : -1);
      return yield* cutSpans(spans, lead, trail, ({ isFirst, isLast }) => ({
        lead: isFirst ? NO_DECORATION : lead,
        trail: isLast && fence.isClosed ? NO_DECORATION : trail,
      }));
    }
    case 'list':
      return yield* cutSpans(yield* itemsOf(text, block));
    case 'heading':
    case 'paragraph':
    case 'quote':
    case 'other':
      return (yield* splitSpan(text, block, limits, tokenizer)).map((part) => pieceOf(common, part));
    default:
      return block.kind satisfies never;
  }

  function* cutSpans(
    spans: readonly Span[],
    lead = NO_DECORATION,
    trail = NO_DECORATION,
    decorationsOf: (place: Place) => Decorations = () => UNDECORATED,
  ): Steps<readonly Piece[]> {
    const pieces: Piece[] = [];
    const room = { ...limits, tokens: Math.max(1, limits.tokens - lead.tokens - trail.tokens) };
    for (const [index, span] of spans.entries()) {
      const parts = yield* splitSpan(text, span, room, tokenizer);
      yield;
      for (const [at, part] of parts.entries()) {
        const isLast = index === spans.length - 1 && at === parts.length - 1;
        const place = { index, isFirst: index === 0 && at === 0, isLast, isWhole: parts.length === 1 };
        const before: ChunkSplit = at > 0 ? part.before : index > 0 ? 'sentence' : 'block';
        // A line of code keeps its indentation.
        const start = at === 0 && block.kind === 'code' ? lineStart(part.start, span.start) : part.start;
        pieces.push(pieceOf(common, part, before, start, decorationsOf(place)));
      }
    }
    return pieces;
  }
}

/** Where a piece of a block stands. */
interface Place {
  /** Of its line, row or item. */
  readonly index: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Whether it is all of its line, row or item. */
  readonly isWhole: boolean;
}

/** Indentation longer than this is no longer kept: it could be a megabyte. */
const MAX_INDENTATION = 80;

function lineStart(start: number, from: number): number {
  return start - from <= MAX_INDENTATION ? from : start;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Lines with something on them, without their ends. */
function* linesOf(text: string, block: Span): Steps<readonly Span[]> {
  const lines: Span[] = [];
  for (let start = block.start; start < block.end;) {
    const next = lineAfter(text, start, block.end);
    const end = trimEnd(text, start, next);
    if (end > start) lines.push({ start, end });
    start = next;
    yield;
  }
  return lines;
}

/** Where a table's header ends, if its second line is the rule under one. */
function headerEnd(text: string, lines: readonly Span[]): number | null {
  const rule = lines[1];
  if (rule === undefined) return null;
  const line = text.slice(rule.start, rule.end);
  return /^[\s|:-]+$/u.test(line) && line.includes('-') ? rule.end : null;
}

interface Fence {
  readonly opening: string;
  readonly closing: string;
  readonly isClosed: boolean;
}

function fenceOf(text: string, lines: readonly Span[]): Fence | null {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return null;
  const opening = text.slice(first.start, first.end);
  const mark = /^ {0,3}(`{3,}|~{3,})/u.exec(opening)?.[1];
  if (mark === undefined) return null;
  const closing = text.slice(last.start, last.end).trim();
  const isClosed =
    lines.length > 1 && closing.length >= mark.length && closing === (mark[0] ?? '').repeat(closing.length);
  return { opening, closing: mark, isClosed };
}

/** The spans with number `index` and the next one made one. */
function glue(spans: readonly Span[], index: number): readonly Span[] {
  const first = spans[index];
  const second = spans[index + 1];
  if (first === undefined || second === undefined) return spans;
  return [...spans.slice(0, index), { start: first.start, end: second.end }, ...spans.slice(index + 2)];
}

/** A list's items at its outermost level, with all that is under them. */
function* itemsOf(text: string, block: Span): Steps<readonly Span[]> {
  const lines = yield* linesOf(text, block);
  const indentOf = (line: Span): number => skipSpace(text, line.start, line.end) - line.start;
  const outermost = (lines[0] === undefined ? 0 : indentOf(lines[0])) + 1;
  const items: Span[] = [];
  for (const line of lines) {
    const indent = indentOf(line);
    const isItem =
      indent <= outermost &&
      /^(?:[-+*]|\d{1,9}[.)])(?:\s|$)/u.test(text.slice(line.start + indent, line.start + indent + 12));
    const open = items.at(-1);
    if (isItem || open === undefined) items.push(line);
    else items[items.length - 1] = { start: open.start, end: line.end };
    yield;
  }
  return items;
}
