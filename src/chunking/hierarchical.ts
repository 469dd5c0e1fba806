/**
 * Small chunks to be found, inside larger passages to be read. Parents are packed along the
 * structure, as chunks are; each is then packed again into children, which are what is embedded.
 *
 * Stores know chunks only: a parent is the run of chunks whose ids begin alike, and its text is
 * theirs put together, for a child reaches to where the next one begins.
 */
import { createHash } from 'node:crypto';
import type { Chunk, Document, HierarchicalChunker, Tokenizer } from '../model.js';
import {
  MAX_CHARACTERS_PER_TOKEN,
  STANDS_ALONE,
  emit,
  leastRoom,
  roomOf,
  sizeSections,
  startChunks,
  targetTokens,
} from './chunk.js';
import { gapCounter, packPieces } from './pack.js';
import type { Pack } from './pack.js';
import { PARENT_DIGITS } from './parent-key.js';
import type { Piece } from './pieces.js';
import { groupSections } from './sections.js';
import type { Limits } from './split-text.js';
import type { Steps } from './steps.js';

/** The children of all parents, in the document's order. */
export function* chunkHierarchical(
  document: Document,
  settings: HierarchicalChunker,
  tokenizer: Tokenizer,
): Steps<readonly Chunk[]> {
  const { text } = document;
  const context = yield* startChunks(document, tokenizer);
  const target = targetTokens({ targetTokens: settings.childTokens }, tokenizer);
  const countGap = gapCounter(text, tokenizer);
  const packsOf = (pieces: readonly Piece[], limits: Limits): Steps<readonly Pack[]> =>
    packPieces(text, pieces, { limits, overlapTokens: 0, countGap, tokenizer });
  const rooms = yield* roomOf(context, target);
  // A parent is not embedded, so no window bounds it.
  const { parentTokens } = settings;
  const parentLimits = { tokens: parentTokens, characters: parentTokens * MAX_CHARACTERS_PER_TOKEN };
  const sizes = yield* sizeSections(context, rooms, target);
  const sized = sizes.map((size) => ({ ...size, limit: parentTokens }));

  const ids = createParentIds(document.id);
  const children: Chunk[] = [];
  for (const group of yield* groupSections(sized, parentTokens * STANDS_ALONE)) {
    const pieces = group.flatMap((size) => size.pieces);
    for (const parent of yield* packsOf(pieces, parentLimits)) {
      const before = context.chunks.length;
      const limits = leastRoom(parent.pieces, rooms, target);
      for (const pack of yield* packsOf(parent.pieces, limits)) emit(pack, context);
      children.push(...family(context.chunks.slice(before), text, ids));
    }
  }
  return children;
}

type ParentIds = (parentText: string) => string;

/** The first half of its children's ids: by content, and by the occurrence among equals. */
function createParentIds(documentId: string): ParentIds {
  const occurrences = new Map<string, number>();
  return (parentText) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([documentId, parentText]))
      .digest('hex');
    const occurrence = occurrences.get(digest) ?? 0;
    occurrences.set(digest, occurrence + 1);
    return shortHash([digest, occurrence]);
  };
}

/** The chunks of one parent: joined up, and with ids that begin alike. */
function family(chunks: readonly Chunk[], text: string, parentId: ParentIds): readonly Chunk[] {
  const [first] = chunks;
  const last = chunks.at(-1);
  if (first === undefined || last === undefined) return [];
  const parent = parentId(text.slice(first.start, last.end));
  return chunks.map((chunk, index) => {
    const end = chunks[index + 1]?.start ?? chunk.end;
    const own = shortHash([chunk.indexedText, index]);
    return { ...chunk, id: parent + own, end, text: text.slice(chunk.start, end) };
  });
}

/** JSON keeps the parts apart whatever they hold. */
function shortHash(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, PARENT_DIGITS);
}
