/**
 * Keywords as columns. Oracle takes the empty string for NULL and gives a column 4,000 bytes, so a
 * keyword is kept in pieces of 999 code points, each behind a mark. Pieces compare by code point
 * under binary collation, and one after the other they compare as the whole does.
 */

const MARK = '=';
/** Less than every piece: what a piece that is not there counts as. */
export const NO_PIECE = '!';
const PIECE_LENGTH = 999;
/** Nine of them hold 8,000 characters, the longest keyword there is. */
export const TAIL_PIECES = 8;

export interface EncodedKeyword {
  readonly head: string;
  readonly tail: readonly string[];
  /**
   * Whether another keyword can have this head: the head is full. Its tail, empty or not, is then
   * kept beside it; a head that is not full is the whole keyword.
   */
  readonly isLong: boolean;
}

export function encodeKeyword(value: string): EncodedKeyword {
  // Fewer units than that are fewer code points too.
  if (value.length < PIECE_LENGTH) return { head: MARK + value, tail: [], isLong: false };
  const points = Array.from(value);
  if (points.length < PIECE_LENGTH) return { head: MARK + value, tail: [], isLong: false };
  const pieces: string[] = [];
  for (let start = 0; start < points.length; start += PIECE_LENGTH) {
    pieces.push(MARK + points.slice(start, start + PIECE_LENGTH).join(''));
  }
  const [head = MARK, ...tail] = pieces;
  return { head, tail, isLong: true };
}

/** The columns of a tail: `p2` to `p9`. */
export const TAIL_COLUMNS: readonly string[] = Array.from(
  { length: TAIL_PIECES },
  (_, index) => `p${String(index + 2)}`,
);
