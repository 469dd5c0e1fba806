/**
 * Cuts text into spans that fit a limit: at sentences, else between words, else inside a word.
 * Every character is counted a bounded number of times, so the work is linear.
 */
import type { ChunkSplit, Tokenizer } from '../model.js';
import { codePointBorder, isSpaceAt, skipSpace, trimEnd, wordEnd } from './lines.js';
import type { Steps } from './steps.js';

export interface Limits {
  readonly tokens: number;
  /** UTF-16 code units: some tokenizers make one token of a word of any length. */
  readonly characters: number;
}

/** A span that fits; `before` is what kind of border its start is. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
  readonly before: ChunkSplit;
}

/** Text given to the segmenter at once: its time on hostile text grows faster than linearly. */
const WINDOW = 4096;
/** Short sentences and words are taken together up to this length, to count less often. */
const SENTENCE_RUN = 64;
const WORD_RUN = 64;

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Starts of the sentences of `[start, end)`, the first being `start`. */
export function* sentenceStarts(text: string, start: number, end: number): Generator<number> {
  let at = start;
  while (at < end) {
    const to = Math.min(end, at + WINDOW);
    let next = to;
    for (const { index, segment } of sentences.segment(text.slice(at, to))) {
      // The last one may go on beyond the window: it is looked at again from its start.
      const isOpen = at + index + segment.length >= to && to < end;
      if (isOpen && index > 0) next = at + index;
      else yield at + index;
    }
    at = next === to && to < end ? wordBorder(text, at, to) : next;
  }
}

/** Where to go on after a window without a sentence's end: after its last space, if it has any. */
function wordBorder(text: string, start: number, to: number): number {
  for (let at = to; at > start + WINDOW / 2; at -= 1) if (isSpaceAt(text, at - 1)) return at;
  return codePointBorder(text, to);
}

/** The span in parts that fit, in order; the first one's border is the block's. */
export function* splitSpan(
  text: string,
  span: { readonly start: number; readonly end: number },
  limits: Limits,
  tokenizer: Tokenizer,
): Steps<readonly Part[]> {
  const whole = fitting(text, span.start, span.end, limits, tokenizer, 'block');
  if (whole !== null) return [whole];
  const parts: Part[] = [];
  const push = (part: Part): void => {
    if (part.end > part.start) parts.push(parts.length === 0 ? { ...part, before: 'block' } : part);
  };
  let from = span.start;
  function* close(to: number): Steps<void> {
    const part = fitting(text, from, to, limits, tokenizer, 'sentence');
    if (part !== null) push(part);
    else yield* splitWords(text, from, to, limits, tokenizer, push);
    from = to;
    yield;
  }
  for (const start of sentenceStarts(text, span.start, span.end)) {
    if (start - from >= SENTENCE_RUN) yield* close(start);
  }
  yield* close(span.end);
  return parts;
}

/** The span without white space around it, counted, if it is within the limits. */
function fitting(
  text: string,
  from: number,
  to: number,
  limits: Limits,
  tokenizer: Tokenizer,
  before: ChunkSplit,
): Part | null {
  const end = trimEnd(text, from, to);
  const start = skipSpace(text, from, end);
  if (end - start > limits.characters) return null;
  const tokens = start === end ? 0 : tokenizer.count(text.slice(start, end));
  return tokens <= limits.tokens ? { start, end, tokens, before } : null;
}

function* splitWords(
  text: string,
  from: number,
  to: number,
  limits: Limits,
  tokenizer: Tokenizer,
  push: (part: Part) => void,
): Steps<void> {
  let before: ChunkSplit = 'sentence';
  const add = (part: Part): void => {
    push(part);
    before = 'token';
  };
  function* single(start: number, end: number): Steps<void> {
    const part = fitting(text, start, end, limits, tokenizer, before);
    if (part !== null) add(part);
    else {
      yield* splitWord(text, start, end, limits, tokenizer, (from, to, tokens) => {
        add({ start: from, end: to, tokens, before });
      });
    }
  }
  function* flush(words: readonly (readonly [number, number])[]): Steps<void> {
    const first = words[0];
    const last = words.at(-1);
    if (first === undefined || last === undefined) return;
    const part = fitting(text, first[0], last[1], limits, tokenizer, before);
    if (part !== null) add(part);
    else for (const [start, end] of words) yield* single(start, end);
    yield;
  }
  let run: (readonly [number, number])[] = [];
  let runStart = from;
  for (let at = skipSpace(text, from, to); at < to;) {
    const end = wordEnd(text, at, to);
    if (run.length > 0 && end - runStart > WORD_RUN) {
      yield* flush(run);
      run = [];
    }
    if (run.length === 0) runStart = at;
    run.push([at, end]);
    at = skipSpace(text, end, to);
  }
  yield* flush(run);
}

/** Halves until it fits; a word beyond the character limit is first sliced by that, uncounted. */
function* splitWord(
  text: string,
  from: number,
  to: number,
  limits: Limits,
  tokenizer: Tokenizer,
  push: (start: number, end: number, tokens: number) => void,
): Steps<void> {
  for (let at = from; at < to;) {
    const end = to - at <= limits.characters ? to : graphemeBorder(text, at, at + limits.characters);
    halve(at, end);
    yield;
    at = end;
  }
  function halve(start: number, end: number): void {
    const tokens = tokenizer.count(text.slice(start, end));
    const middle = graphemeBorder(text, start, Math.floor((start + end) / 2));
    if (tokens <= limits.tokens || middle <= start || middle >= end) push(start, end, tokens);
    else {
      halve(start, middle);
      halve(middle, end);
    }
  }
}

/**
 * A place near and not after `index` (but after `start`) where no character a reader sees is cut;
 * inside one that is longer than the look-back, at least no surrogate pair.
 */
function graphemeBorder(text: string, start: number, index: number): number {
  const LOOK_BACK = 64;
  const from = codePointBorder(text, Math.max(start, index - LOOK_BACK));
  let border = from;
  for (const { index: at } of graphemes.segment(text.slice(from, index + LOOK_BACK))) {
    if (from + at > index) break;
    border = from + at;
  }
  if (border > start && border > from) return border;
  const point = codePointBorder(text, index);
  if (point > start) return point;
  return start + String.fromCodePoint(text.codePointAt(start) ?? 0).length;
}
