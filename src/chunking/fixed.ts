/**
 * Chunks of so many tokens, whatever the text: words are taken until the target is full, and the
 * next chunk begins with the last words of the one before. A baseline; structure is not looked at
 * but for the heading path in front.
 */
import type { Chunk, Document, FixedChunker, Tokenizer } from '../model.js';
import { emit, leastRoom, roomOf, startChunks, targetTokens } from './chunk.js';
import type { Context } from './chunk.js';
import { skipSpace, wordEnd } from './lines.js';
import { pieceOf } from './pieces.js';
import type { Piece } from './pieces.js';
import { splitSpan } from './split-text.js';
import type { Limits } from './split-text.js';
import type { Steps } from './steps.js';

/** Words of at most this many characters are counted once a document. */
const LONGEST_KEPT = 24;
const WORDS_A_STEP = 64;

/** The document's chunks in order. */
export function* chunkFixed(
  document: Document,
  settings: FixedChunker,
  tokenizer: Tokenizer,
): Steps<readonly Chunk[]> {
  const context = yield* startChunks(document, tokenizer);
  const target = targetTokens(settings, tokenizer);
  const rooms = yield* roomOf(context, target);
  const words = yield* wordPieces(context, rooms);
  for (let at = 0; at < words.length;) {
    const first = words[at];
    if (first === undefined) break;
    // Its path is at most its first section's: what it goes on to can only shorten that.
    const { tokens: limit, characters } = leastRoom([first], rooms, target);
    // Not the pack before: it may have been divided.
    const from = context.chunks.at(-1)?.start ?? 0;
    const start = overlapStart(words, from, at, {
      tokens: Math.min(settings.overlapTokens, Math.floor(limit / 2), limit - first.tokens),
      characters: Math.min(Math.floor(characters / 2), characters - (first.end - first.start)),
    });
    const begin = words[start]?.start ?? first.start;
    let tokens = sumTokens(words, start, at);
    let end = at;
    for (; end < words.length; end += 1) {
      const word = words[end];
      if (word === undefined) break;
      const isOver = tokens + word.tokens > limit || word.end - begin > characters;
      if (isOver && end > at) break;
      tokens += word.tokens;
    }
    emit(
      { pieces: [first, ...words.slice(at + 1, end)], start: begin, after: words[end]?.before ?? 'block' },
      context,
    );
    at = end;
    yield;
  }
  return context.chunks;
}

/** The first word to repeat: back from `at`, within the limits, and no further than `from`, the start of the chunk before. */
function overlapStart(words: readonly Piece[], from: number, at: number, limits: Limits): number {
  let tokens = 0;
  let start = at;
  while (start > 0) {
    const word = words[start - 1];
    if (word === undefined || word.start < from || tokens + word.tokens > limits.tokens) break;
    // Some words have no token at all.
    if ((words[at]?.start ?? 0) - word.start > limits.characters) break;
    tokens += word.tokens;
    start -= 1;
  }
  return start;
}

function sumTokens(words: readonly Piece[], from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += words[at]?.tokens ?? 0;
  return sum;
}

/** Every word as a piece; one that is over the limits in parts. */
function* wordPieces(context: Context, rooms: readonly Limits[]): Steps<readonly Piece[]> {
  const { document, sections, tokenizer } = context;
  const { text } = document;
  const counts = new Map<string, number>();
  const words: Piece[] = [];
  const countOf = (word: string): number => {
    const known = counts.get(word);
    if (known !== undefined) return known;
    const count = tokenizer.count(word);
    if (word.length <= LONGEST_KEPT) counts.set(word, count);
    return count;
  };
  for (const section of sections) {
    const limits = rooms[section.index];
    if (limits === undefined) continue;
    for (const block of section.blocks) {
      const common = { section: section.index, isProse: true, isHeading: block.kind === 'heading' };
      for (let at = skipSpace(text, block.start, block.end); at < block.end;) {
        const end = wordEnd(text, at, block.end);
        const before = at === block.start ? 'block' : 'token';
        const count = end - at <= limits.characters ? countOf(text.slice(at, end)) : Infinity;
        if (count <= limits.tokens) words.push(pieceOf(common, { start: at, end, tokens: count, before }));
        else {
          const parts = yield* splitSpan(text, { start: at, end }, limits, tokenizer);
          for (const [index, part] of parts.entries()) {
            words.push(pieceOf(common, part, index === 0 ? before : 'token'));
          }
        }
        at = skipSpace(text, end, block.end);
        if (words.length % WORDS_A_STEP === 0) yield;
      }
      yield;
    }
  }
  return words;
}
