/**
 * Borders where the meaning changes: every sentence is embedded with the pinned model, and a
 * distance between neighbours above a percentile of the document's distances is a border. What
 * lies between two borders is packed up to the most tokens a chunk may have.
 */
import { throwIfCancelled } from '../errors.js';
import type { Block, Chunk, Document, SemanticChunker, Tokenizer } from '../model.js';
import { emit, leastRoom, roomOf, startChunks, targetTokens } from './chunk.js';
import { gapCounter, packPieces } from './pack.js';
import { NO_DECORATION, blockPieces } from './pieces.js';
import type { Piece } from './pieces.js';
import { createDistances } from './sentence-distances.js';
import type { SentenceModel } from './sentence-distances.js';
import { sentenceStarts, splitSpan } from './split-text.js';
import type { Limits } from './split-text.js';

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
  const context = startChunks(document, tokenizer);
  const target = targetTokens({ targetTokens: settings.maxTokens }, tokenizer);
  const rooms = roomOf(context, target);
  const pieces = context.sections.flatMap((section) => {
    const room = leastRoom([{ section: section.index }], rooms, target);
    return section.blocks.flatMap((block) => sentencePieces(text, block, section.index, room, tokenizer));
  });
  const units = withHeadings(pieces);
  const { distances, embedded } = await createDistances(
    units.map((unit) => unit.map((piece) => text.slice(piece.start, piece.end))),
    settings.bufferSize,
    model,
    signal,
  );
  throwIfCancelled(signal);

  const countGap = gapCounter(text, tokenizer);
  for (const segment of segments(units, distances, settings.breakpointPercentile)) {
    const packing = { limits: leastRoom(segment, rooms, target), overlapTokens: 0, countGap, tokenizer };
    for (const pack of packPieces(text, segment, packing)) emit(pack, context);
  }
  return { chunks: context.chunks, embedded };
}

/** Prose in sentences; a table, code or heading whole where it fits, else as `structure` cuts it. */
function sentencePieces(
  text: string,
  block: Block,
  section: number,
  limits: Limits,
  tokenizer: Tokenizer,
): readonly Piece[] {
  if (block.kind === 'table' || block.kind === 'code' || block.kind === 'heading') {
    return blockPieces(text, block, section, limits, tokenizer);
  }
  const plain = { section, isProse: true, isHeading: false, lead: NO_DECORATION, trail: NO_DECORATION };
  const pieces: Piece[] = [];
  const close = (start: number, end: number): void => {
    for (const [index, part] of splitSpan(text, { start, end }, limits, tokenizer).entries()) {
      const before = index > 0 ? part.before : pieces.length === 0 ? 'block' : 'sentence';
      pieces.push({ ...plain, ...part, before });
    }
  };
  let from = block.start;
  for (const start of sentenceStarts(text, block.start, block.end)) {
    if (start - from < SHORTEST_SENTENCE) continue;
    close(from, start);
    from = start;
  }
  close(from, block.end);
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
