/** Counts as OpenAI's cl100k_base does, for models whose own tokenizer is not public. */
import { get_encoding } from 'tiktoken';
import type { Tiktoken } from 'tiktoken';
import type { Tokenizer } from '../model.js';
import { codePointBorder } from './lines.js';

/** Time is quadratic in the length of a run without white space: it is cut to runs this long. */
const LONGEST_RUN = 128;
/** Text encoded at once. */
const WINDOW = 16_384;

let encoding: Tiktoken | null = null;

/**
 * A tokenizer for a window of `maxTokens`. Names of special tokens are ordinary text. The count is
 * exact but for runs of more than 128 characters without a border, where it is an upper bound.
 */
export function createTiktokenTokenizer(maxTokens: number): Tokenizer {
  // Loading the ranks takes a while and memory: once a process, when first needed.
  encoding ??= get_encoding('cl100k_base');
  const ranks = encoding;
  return {
    name: 'tiktoken:cl100k_base',
    maxTokens,
    count: (text) => {
      let tokens = 0;
      for (const piece of bounded(text.toWellFormed())) tokens += ranks.encode_ordinary(piece).length;
      return tokens;
    },
  };
}

/**
 * Cuts where two tokens never join, before white space after a letter, and in over-long runs
 * anywhere but in a surrogate pair.
 */
function* bounded(text: string): Generator<string> {
  let from = 0;
  let runStart = 0;
  let wasSpace = false;
  for (let at = 0; at < text.length; at += 1) {
    const isSpace = isAsciiSpace(text.charCodeAt(at));
    if (isSpace !== wasSpace || at === 0) {
      wasSpace = isSpace;
      runStart = at;
      if (isSpace && at - from >= WINDOW && isAsciiLetter(text.charCodeAt(at - 1))) {
        yield text.slice(from, at);
        from = at;
      }
    }
    if (at - runStart >= LONGEST_RUN) {
      const to = codePointBorder(text, at);
      yield text.slice(from, to);
      from = runStart = to;
    }
  }
  if (from < text.length) yield text.slice(from);
}

function isAsciiSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function isAsciiLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
