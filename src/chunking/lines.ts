/** Lines and white space of a text. */

/** Offsets of the lines' first characters. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Where the line after the one at `start` begins; `end` when it is the last. */
export function lineAfter(text: string, start: number, end: number): number {
  const at = text.indexOf('\n', start);
  return at === -1 || at >= end ? end : at + 1;
}

/** Whether the code unit at `index` is white space, as `\s` and `trim` have it. */
export function isSpaceAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13);
  return code >= 0xa0 && /\s/u.test(text.charAt(index));
}

/** First character of `[start, end)` that is no white space; `end` when there is none. */
export function skipSpace(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && isSpaceAt(text, at)) at += 1;
  return at;
}

/** The end of `[start, end)` without trailing white space. */
export function trimEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && isSpaceAt(text, at - 1)) at -= 1;
  return at;
}

/** The largest index at or below `index` that is not inside a surrogate pair. */
export function codePointBorder(text: string, index: number): number {
  const low = text.charCodeAt(index);
  const high = text.charCodeAt(index - 1);
  const inside = low >= 0xdc00 && low <= 0xdfff && high >= 0xd800 && high <= 0xdbff;
  return inside ? index - 1 : index;
}

/** Cleaned or hashed at once, in UTF-16 code units. */
const SLICE = 262_144;

/** The text in slices for work in steps, which cut no surrogate pair and no line end of two. */
export function* slicesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    let to = text.length - at <= SLICE ? text.length : codePointBorder(text, at + SLICE);
    if (text.startsWith('\r\n', to - 1)) to += 1;
    yield text.slice(at, to);
    at = to;
  }
}

/** At most `length` code units, never half a surrogate pair, no white space at a cut end. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, codePointBorder(text, length)).trimEnd();
}

/** White space runs as one space, none at the ends. */
export function collapse(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

/** The end of the word that begins at `start`: the next white space, or `end`. */
export function wordEnd(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && !isSpaceAt(text, at)) at += 1;
  return at;
}
