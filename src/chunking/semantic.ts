/**
 * Borders where the meaning changes: every sentence is embedded with the pinned model, and a
 * distance between neighbours above a percentile of the document's distances is a border. What
 * lies between two borders is packed up to the most tokens a chunk may have.
 */
import { throwIfCancelled } from '../errors.js';
import type { Block, Chunk, Document, SemanticChunker, Tokenizer } from '../model.js';
import { emit, leastRoom, roomOf, startChunks, targetTokens } from './chunk.js';
import type { Context } from './chunk.js';
import { gapCounter, packPieces } from './pack.js';
import { blockPieces, pieceOf } from './pieces.js';
import type { Piece } from './pieces.js';
import { createDistances } from './sentence-distances.js';
import type { SentenceModel } from './sentence-distances.js';
import { sentenceStarts, splitSpan } from './split-text.js';
import type { Limits } from './split-text.js';
import { inTurns } from './steps.js';
import type { Steps } from './steps.js';

/** Shorter sentences go with the next one: they say too little to be compared. */
const SHORTEST_SENTENCE = 24;

export interface SemanticChunks {
  readonly chunks: readonly Chunk[];
  /** Texts the model was asked for to find the borders. */
  readonly embedded: number;
}

/** The document's chunks in order. */
export async function chunkSemantic(
  document: Document,
  settings: SemanticChunker,
  model: SentenceModel,
  signal?: AbortSignal,
): Promise<SemanticChunks> {
  const { text } = document;
  const { tokenizer } = model;
  const context = await inTurns(startChunks(document, tokenizer), signal);
  const target = targetTokens({ targetTokens: settings.maxTokens }, tokenizer);
  const rooms = await inTurns(roomOf(context, target), signal);
  const pieces = await inTurns(allPieces(context, rooms, target), signal);
  const units = withHeadings(pieces);
  const { distances, embedded } = await createDistances(
    units.map((unit) => unit.map((piece) => text.slice(piece.start, piece.end))),
    settings.bufferSize,
    model,
    signal,
  );
  throwIfCancelled(signal);
  const found = segments(units, distances, settings.breakpointPercentile);
  await inTurns(emitSegments(found, context, rooms, target), signal);
  return { chunks: context.chunks, embedded };
}

function* allPieces(
  { document, sections, tokenizer }: Context,
  rooms: readonly Limits[],
  target: number,
): Steps<readonly Piece[]> {
  const pieces: Piece[] = [];
  for (const section of sections) {
    const room = leastRoom([{ section: section.index }], rooms, target);
    for (const block of section.blocks) {
      const own = yield* sentencePieces(document.text, block, section.index, room, tokenizer);
      for (const piece of own) pieces.push(piece);
      yield;
    }
  }
  return pieces;
}

function* emitSegments(
  found: readonly (readonly Piece[])[],
  context: Context,
  rooms: readonly Limits[],
  target: number,
): Steps<void> {
  const { document, tokenizer } = context;
  const countGap = gapCounter(document.text, tokenizer);
  for (const segment of found) {
    const packing = { limits: leastRoom(segment, rooms, target), overlapTokens: 0, countGap, tokenizer };
    for (const pack of yield* packPieces(document.text, segment, packing)) {
      emit(pack, context);
      yield;
    }
  }
}

/** Prose in sentences; a table, code or heading whole where it fits, else as `structure` cuts it. */
function* sentencePieces(
  text: string,
  block: Block,
  section: number,
  limits: Limits,
  tokenizer: Tokenizer,
): Steps<readonly Piece[]> {
  if (block.kind === 'table' || block.kind === 'code' || block.kind === 'heading') {
    return yield* blockPieces(text, block, section, limits, tokenizer);
  }
  const common = { section, isProse: true, isHeading: false };
  const pieces: Piece[] = [];
  function* close(start: number, end: number): Steps<void> {
    const parts = yield* splitSpan(text, { start, end }, limits, tokenizer);
    for (const [index, part] of parts.entries()) {
      const before = index > 0 ? part.before : pieces.length === 0 ? 'block' : 'sentence';
      pieces.push(pieceOf(common, part, before));
    }
    yield;
  }
  let from = block.start;
  for (const start of sentenceStarts(text, block.start, block.end)) {
    if (start - from < SHORTEST_SENTENCE) continue;
    yield* close(from, start);
    from = start;
  }
  yield* close(from, block.end);
  return pieces;
}

type Unit = readonly [Piece, ...Piece[]];

/** What is compared: a sentence, with the headings right before it. */
function withHeadings(pieces: readonly Piece[]): readonly Unit[] {
  const units: [Piece, ...Piece[]][] = [];
  let open: [Piece, ...Piece[]] | null = null;
  for (const piece of pieces) {
    if (open === null) units.push((open = [piece]));
    else open.push(piece);
    if (!piece.isHeading) open = null;
  }
  return units;
}

/** The pieces between two borders; a border's distance is above the percentile. */
function segments(
  units: readonly Unit[],
  distances: readonly number[],
  percentile: number,
): readonly (readonly Piece[])[] {
  const threshold = percentileOf(distances, percentile);
  const found: Piece[][] = [];
  let open: Piece[] = [];
  for (const [index, unit] of units.entries()) {
    if (index === 0 || (distances[index - 1] ?? 0) > threshold) found.push((open = []));
    open.push(...unit);
  }
  return found;
}

/** Linear between neighbours; infinite when there is nothing to compare. */
function percentileOf(values: readonly number[], percentile: number): number {
  if (values.length === 0) return Infinity;
  const sorted = Float64Array.from(values).sort();
  const at = ((sorted.length - 1) * percentile) / 100;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
