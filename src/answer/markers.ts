/**
 * Citation markers in a text that comes in pieces: `[S1]`, `[S1, S3]`. What may still become a
 * marker is held back, so that none is ever half shown; numbers of no source are taken out.
 */

/** A marker that was kept. */
export interface Marker {
  /** Where it stands in what was shown, in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  /** Source numbers, from 1. */
  readonly sources: readonly number[];
}

export interface MarkerFilter {
  /** Takes a piece, answers what may be shown now. */
  push(piece: string): string;
  /** The text is over: answers what was still held back. */
  end(): string;
  readonly markers: readonly Marker[];
  /** Numbers that were cited and are of no source, in order, each once. */
  readonly unknown: readonly number[];
}

const MARKER = /^\[[Ss]\d[Ss\d,; ]{0,200}\]/u;
const MARKER_BEGUN = /^\[(?:[Ss](?:\d[Ss\d,; ]{0,200})?)?$/u;
const BLANKS = /[ \t]*$/u;

/** @param known how many sources there are */
export function createMarkerFilter(known: number): MarkerFilter {
  const markers: Marker[] = [];
  const unknown = new Set<number>();
  let held = '';
  let shown = 0;

  const take = (length: number): string => {
    const text = held.slice(0, length);
    held = held.slice(length);
    shown += text.length;
    return text;
  };

  /** The marker at the beginning of what is held, after `blanks` that go with it when it goes. */
  const takeMarker = (marker: string, blanks: string): string => {
    held = held.slice(blanks.length + marker.length);
    const numbers = [...new Set([...marker.matchAll(/\d+/gu)].map(([digits]) => Number(digits)))];
    const sources = numbers.filter((number) => number >= 1 && number <= known);
    for (const number of numbers) if (!sources.includes(number)) unknown.add(number);
    if (sources.length === 0) return '';
    const text = `[${sources.map((number) => `S${String(number)}`).join(', ')}]`;
    markers.push({ start: shown + blanks.length, end: shown + blanks.length + text.length, sources });
    shown += blanks.length + text.length;
    return blanks + text;
  };

  const drain = (isOver: boolean): string => {
    let out = '';
    for (;;) {
      const open = held.indexOf('[');
      const before = open < 0 ? held : held.slice(0, open);
      const blanks = BLANKS.exec(before)?.[0] ?? '';
      if (open < 0) return out + take(isOver ? held.length : before.length - blanks.length);
      const rest = held.slice(open);
      const marker = MARKER.exec(rest)?.[0];
      if (marker !== undefined) {
        out += take(open - blanks.length);
        out += takeMarker(marker, blanks);
      } else if (!isOver && MARKER_BEGUN.test(rest)) {
        return out + take(open - blanks.length);
      } else out += take(open + 1);
    }
  };

  return {
    push(piece) {
      held += piece;
      return drain(false);
    },
    end: () => drain(true),
    markers,
    get unknown() {
      return [...unknown];
    },
  };
}
