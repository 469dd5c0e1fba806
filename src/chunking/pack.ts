/** Packs pieces into chunks' spans. */
import type { ChunkSplit, Tokenizer } from '../model.js';
import type { Piece } from './pieces.js';
import { sentenceStarts } from './split-text.js';
import type { Limits } from './split-text.js';
import type { Steps } from './steps.js';
import { skipSpace } from './lines.js';

/** Pieces in order, and where the repeated end of the pack before begins. */
export interface Pack {
  readonly pieces: readonly [Piece, ...Piece[]];
  /** Start of the overlap; the first piece's start when there is none. */
  readonly start: number;
  /** Kind of the border at its end. */
  readonly after: ChunkSplit;
}

/** Counts what lies between two pieces; nearly always one of a few strings. */
export function gapCounter(text: string, tokenizer: Tokenizer): (from: number, to: number) => number {
  const known = new Map<string, number>();
  const LONGEST_KEPT = 8;
  return (from, to) => {
    const gap = text.slice(from, to);
    if (gap.length > LONGEST_KEPT) return tokenizer.count(gap);
    let tokens = known.get(gap);
    if (tokens === undefined) {
      tokens = tokenizer.count(gap);
      known.set(gap, tokens);
    }
    return tokens;
  };
}

export interface PackSettings {
  readonly limits: Limits;
  readonly overlapTokens: number;
  readonly countGap: (from: number, to: number) => number;
  readonly tokenizer: Tokenizer;
}

/**
 * Fills packs one after another. The rest is always divided evenly over the packs it needs, so no
 * crumb is left at the end; a pack closes at a block's border where one is near.
 */
export function* packPieces(
  text: string,
  pieces: readonly Piece[],
  settings: PackSettings,
): Steps<readonly Pack[]> {
  const { limits, countGap } = settings;
  const packs: Pack[] = [];
  let rest = pieces.reduce((sum, piece) => sum + piece.tokens, 0);
  for (let at = 0; at < pieces.length;) {
    const first = pieces[at];
    if (first === undefined) break;
    const overlap = overlapBefore(text, packs.at(-1), first, settings);
    const room = limits.tokens - overlap.tokens;
    const share = Math.ceil(rest / Math.max(1, Math.ceil(rest / Math.max(1, room))));
    const own: [Piece, ...Piece[]] = [first];
    let tokens = first.lead.tokens + first.tokens;
    rest -= first.tokens;
    at += 1;
    for (; at < pieces.length; at += 1) {
      const piece = pieces[at];
      const last = own.at(-1) ?? first;
      if (piece === undefined || (piece.before === 'block' && tokens >= share)) break;
      if (piece.start - last.end > limits.characters || piece.end - first.start > limits.characters) break;
      const next = tokens + countGap(last.end, piece.start) + piece.tokens;
      if (next + piece.trail.tokens > room) break;
      // Inside a block too, a pack need not go far beyond its share.
      if (piece.before !== 'block' && tokens >= share && next > share * 1.1) break;
      own.push(piece);
      tokens = next;
      rest -= piece.tokens;
    }
    if (at < pieces.length) at -= keepHeadingsWithText(own);
    packs.push({ pieces: own, start: overlap.start, after: pieces[at]?.before ?? 'block' });
    yield;
  }
  return packs;

  /** A heading that would end a pack goes into the next, before the text it is about. */
  function keepHeadingsWithText(own: [Piece, ...Piece[]]): number {
    let moved = 0;
    while (own.length > 1 && isHeading(own.at(-1)) && own.some((piece) => !isHeading(piece))) {
      const piece = own.pop();
      rest += piece?.tokens ?? 0;
      moved += 1;
    }
    return moved;
  }
}

function isHeading(piece: Piece | undefined): boolean {
  return piece?.isHeading === true;
}

/** Whole sentences at the end of the pack before, of the same section, within the overlap's limit. */
function overlapBefore(
  text: string,
  before: Pack | undefined,
  first: Piece,
  { overlapTokens, limits, countGap, tokenizer }: PackSettings,
): { readonly start: number; readonly tokens: number } {
  const none = { start: first.start, tokens: 0 };
  const last = before?.pieces.at(-1);
  if (before === undefined || last === undefined || !first.isProse) return none;
  // Much white space is not even counted: no chunk reaches over it.
  if (first.end - last.end > limits.characters) return none;
  const gap = countGap(last.end, first.start);
  const budget = Math.min(overlapTokens, limits.tokens - first.tokens) - gap;
  const farthest = first.start - limits.characters + (first.end - first.start);
  if (budget <= 0) return none;

  // Prose at the pack's end, back to where something else begins: a heading at the latest, so the
  // overlap stays in its section.
  let from: number | null = null;
  for (const piece of [...before.pieces].reverse()) {
    if (!piece.isProse) break;
    from = piece.start;
    if (last.end - piece.start > budget * CHARACTERS_PER_TOKEN) break;
  }
  if (from === null) return none;
  const starts = [...sentenceStarts(text, from, last.end)].map((start) => skipSpace(text, start, last.end));
  let tokens = gap;
  let start = first.start;
  let end = last.end;
  for (const candidate of starts.reverse()) {
    if (candidate >= end) continue;
    // A long text without a border has none to repeat from.
    if (candidate < farthest || last.end - candidate > budget * CHARACTERS_PER_TOKEN) break;
    const more = tokenizer.count(text.slice(candidate, end));
    if (tokens + more > budget + gap) break;
    tokens += more;
    start = candidate;
    end = candidate;
  }
  return start === first.start ? none : { start, tokens };
}

/** Text longer than this per token is not looked through for overlap. */
const CHARACTERS_PER_TOKEN = 8;
