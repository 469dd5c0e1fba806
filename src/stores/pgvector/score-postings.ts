/** Scores every chunk that holds one of a question's terms. */
import { lengthPart, saturate } from '../../analysis/bm25.js';
import type { WeightedTerm } from '../../analysis/bm25.js';
import { createRoom, decodePostings } from './postings.js';

/** A question's terms with their weights, and the mean chunk length, as of now. */
export interface WeighedQuestion {
  readonly terms: readonly WeightedTerm[];
  readonly averageLength: number;
}

/** What the question's terms have in the postings. */
export interface FoundPostings {
  /** A segment's first key → term → packed postings. */
  readonly segments: ReadonlyMap<number, ReadonlyMap<string, Buffer>>;
  /** Postings in all of them. */
  readonly size: number;
}

export interface Scored {
  /** Each once, in no order. */
  readonly keys: Float64Array;
  /** In the order of the keys. */
  readonly scores: Float64Array;
  /** As large as the scores, for whoever has to sort them. */
  readonly scratch: Float64Array;
}

interface ScoreRoom {
  keys: Float64Array;
  scores: Float64Array;
  scratch: Float64Array;
}

/**
 * Arrays are kept from one query to the next: the system hands out memory page by page at its first
 * use, which takes longer than the adding up. This many, for queries that run at the same time.
 */
const KEPT_ROOMS = 4;
const free: ScoreRoom[] = [];
/** Decoding and adding up let nobody in between; one of each does. */
const decoded = createRoom(32_768);
/** Sums of the segment that is being scored, by key less the segment's first; zeros between calls. */
let sums = new Float64Array(32_768);
/** Longer chunks are rare, and have their part of the formula worked out each time. */
const TABLE_LENGTH = 1024;
const lengthParts = new Float64Array(TABLE_LENGTH);

/** Scores, and lets `use` have the arrays until it is done: they are written over afterwards. */
export async function withScores<T>(
  question: WeighedQuestion,
  found: FoundPostings,
  use: (scored: Scored) => Promise<T>,
): Promise<T> {
  const room = free.pop() ?? { keys: EMPTY, scores: EMPTY, scratch: EMPTY };
  try {
    return await use(scorePostings(question, found, room));
  } finally {
    if (free.length < KEPT_ROOMS) free.push(room);
  }
}

const EMPTY = new Float64Array();

/** Adds up as `bm25` does, term after term in the question's order. */
function scorePostings(
  { terms, averageLength }: WeighedQuestion,
  found: FoundPostings,
  room: ScoreRoom,
): Scored {
  for (let length = 0; length < TABLE_LENGTH; length += 1) {
    lengthParts[length] = lengthPart(length, averageLength);
  }
  // One more, for a key is written before it is known to be new.
  if (room.keys.length < found.size + 1) {
    const size = Math.max(found.size + 1, room.keys.length * 2);
    room.keys = new Float64Array(size);
    room.scores = new Float64Array(size);
    room.scratch = new Float64Array(size);
  }
  const { keys, scores } = room;
  let count = 0;
  for (const [first, lists] of found.segments) {
    const from = count;
    for (const { term, weight } of terms) {
      const packed = lists.get(term);
      if (packed !== undefined) count = addUp(packed, weight, averageLength, first, keys, count);
    }
    for (let index = from; index < count; index += 1) {
      const at = (keys[index] ?? 0) - first;
      scores[index] = sums[at] ?? 0;
      sums[at] = 0;
    }
  }
  return {
    keys: keys.subarray(0, count),
    scores: scores.subarray(0, count),
    scratch: room.scratch.subarray(0, count),
  };
}

/**
 * Adds a term's part to the sums, and the keys that are new to `keys` behind the first `count`.
 * Without branches on what is in the sums, which nobody can foresee: they took a third of the time.
 * @returns how many keys there are now
 */
function addUp(
  packed: Buffer,
  weight: number,
  averageLength: number,
  first: number,
  keys: Float64Array,
  count: number,
): number {
  const size = decodePostings(packed, decoded);
  const { keys: added, frequencies, lengths } = decoded;
  let end = 0;
  for (let index = 0; index < size; index += 1) end = Math.max(end, added[index] ?? 0);
  makeRoom(end - first + 1);
  let known = count;
  for (let index = 0; index < size; index += 1) {
    const key = added[index] ?? 0;
    const at = key - first;
    const length = lengths[index] ?? 0;
    const part = length < TABLE_LENGTH ? (lengthParts[length] ?? 0) : lengthPart(length, averageLength);
    const before = sums[at] ?? 0;
    keys[known] = key;
    known += before === 0 ? 1 : 0;
    sums[at] = before + weight * saturate(frequencies[index] ?? 0, part);
  }
  return known;
}

function makeRoom(size: number): void {
  if (size <= sums.length) return;
  const larger = new Float64Array(Math.max(size, sums.length * 2));
  larger.set(sums);
  sums = larger;
}
