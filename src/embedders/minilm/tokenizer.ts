/**
 * The model's tokenizer: Unicode work by `@huggingface/tokenizers`, word pieces by us.
 *
 * The library's own encoder gives the same ids, but takes 25 s for a megabyte of 100-letter words
 * (it tries pieces longer than any in the vocabulary, joining letters each time) and time quadratic
 * in a run of combining marks. This one has neither, and never truncates or pads as tokenizer.json
 * asks for. A test compares the two on random text.
 */
import { readFile } from 'node:fs/promises';
import { BertNormalizer, BertPreTokenizer, Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { RetrievalError } from '../../errors.js';
import type { Tokenizer } from '../../model.js';
import { MAX_TOKENS } from './models.js';

export interface MiniLmTokenizer extends Tokenizer {
  /** Ids with [CLS] and [SEP] around them, as the model reads them. Never cut, never padded. */
  encode(text: string): readonly number[];
}

/** Longer words, in code points, are one [UNK]. */
const MAX_WORD = 100;

/**
 * Words of at most so many characters are remembered, and at most so many of them. Of a longer word
 * V8 would keep the document that it was cut from.
 */
const LONGEST_KEPT = 12;
const MOST_KEPT = 10_000;

/** Plain text of which lower-casing is all that normalisation does. */
const PLAIN_ASCII = /^[\t\n\r\x20-\x7e]*$/u;

/**
 * Combining marks, and what the normaliser removes, in a run too long to be writing. Bringing marks
 * into canonical order is quadratic in a run's length; removed characters between them don't end it.
 */
const MARK_RUN = /[\p{M}\p{Cf}\p{Co}\p{Cs}\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]{128,1024}/gu;
const REMOVED = /[\p{Mn}\p{Cf}\p{Co}\p{Cs}\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]+/gu;

/** Reads a tokenizer.json whose hash has been checked. */
export async function readTokenizer(
  path: string,
  sha256: string,
  maxTokens = MAX_TOKENS,
): Promise<MiniLmTokenizer> {
  const json: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof json !== 'object' || json === null) {
    throw new RetrievalError('model_corrupt', 'tokenizer.json does not hold a JSON object.');
  }
  return createTokenizer(json, `wordpiece:${sha256}`, maxTokens);
}

/** @param tokenizerJson a BERT word piece tokenizer's parsed tokenizer.json */
export function createTokenizer(
  tokenizerJson: object,
  name: string,
  maxTokens = MAX_TOKENS,
): MiniLmTokenizer {
  const library = new LibraryTokenizer(tokenizerJson, {});
  const { normalizer, pre_tokenizer: preTokenizer } = library;
  if (!(normalizer instanceof BertNormalizer) || !(preTokenizer instanceof BertPreTokenizer)) {
    throw new RetrievalError('model_corrupt', 'tokenizer.json is not that of a BERT word piece model.');
  }
  const special = new Map([...library.get_added_tokens_decoder()].map(([id, token]) => [token.content, id]));
  const id = (token: string): number => {
    const found = special.get(token);
    if (found === undefined) throw new RetrievalError('model_corrupt', `tokenizer.json has no ${token}.`);
    return found;
  };
  const cls = id('[CLS]');
  const sep = id('[SEP]');
  const splitWord = createWordPiece(library.get_vocab(), id('[UNK]'));
  const specialTokens = new RegExp(`(${[...special.keys()].map(escapeRegExp).join('|')})`, 'u');

  const appendIds = (text: string, ids: number[]): void => {
    for (const part of text.split(specialTokens)) {
      const specialId = special.get(part);
      if (specialId !== undefined) {
        ids.push(specialId);
        continue;
      }
      const normal = PLAIN_ASCII.test(part)
        ? part.toLowerCase()
        : normalizer.normalize(shortenMarkRuns(part));
      for (const word of preTokenizer.pre_tokenize_text(normal)) splitWord(word, ids);
    }
  };

  const countOf = (text: string): number => {
    const ids: number[] = [];
    appendIds(text, ids);
    return ids.length;
  };
  // Chunkers count word by word, and most words of a text have been there before.
  const countOfShort = remember(countOf);

  return {
    name,
    maxTokens,
    count: (text) => (text.length <= LONGEST_KEPT ? countOfShort(text) : countOf(text)),
    encode(text) {
      const ids = [cls];
      appendIds(text, ids);
      ids.push(sep);
      return ids;
    },
  };
}

/**
 * Drops from over-long runs what normalisation would drop anyway. What is left of one keeps its
 * first 101 marks: with more, the word they are in is an [UNK], and so it is with 101.
 */
function shortenMarkRuns(text: string): string {
  let kept = 0;
  let end = -1;
  return text.replace(MARK_RUN, (run: string, offset: number) => {
    // One long run comes as several matches, end to end; they share the 101.
    if (offset !== end) kept = 0;
    end = offset + run.length;
    const rest = Array.from(run.replace(REMOVED, '')).slice(0, MAX_WORD + 1 - kept);
    kept += rest.length;
    return rest.join('');
  });
}

/**
 * Greedy longest match, left to right (Wu et al., arXiv 1609.08144, as BERT does it). At most
 * (letters × longest piece) look-ups a word.
 */
function createWordPiece(
  vocabulary: ReadonlyMap<string, number>,
  unknown: number,
): (word: string, ids: number[]) => void {
  const starts = new Map<string, number>();
  const continuations = new Map<string, number>();
  let longest = 1;
  for (const [piece, pieceId] of vocabulary) {
    starts.set(piece, pieceId);
    longest = Math.max(longest, piece.length);
    if (piece.startsWith('##')) continuations.set(piece.slice(2), pieceId);
  }
  const splitShort = remember((word): readonly number[] => {
    const ids: number[] = [];
    split(word, ids);
    return ids;
  });
  return (word, ids) => {
    const whole = starts.get(word);
    if (whole !== undefined) ids.push(whole);
    else if (word.length > LONGEST_KEPT) split(word, ids);
    else for (const piece of splitShort(word)) ids.push(piece);
  };

  function split(word: string, ids: number[]): void {
    // A code point is one or two UTF-16 units, so only lengths in between need counting.
    if (word.length > MAX_WORD && (word.length > 2 * MAX_WORD || Array.from(word).length > MAX_WORD)) {
      ids.push(unknown);
      return;
    }
    const before = ids.length;
    let start = 0;
    while (start < word.length) {
      const pieces = start === 0 ? starts : continuations;
      let end = Math.min(word.length, start + longest);
      let pieceId = pieces.get(word.slice(start, end));
      while (pieceId === undefined && --end > start) pieceId = pieces.get(word.slice(start, end));
      if (pieceId === undefined) {
        ids.length = before;
        ids.push(unknown);
        return;
      }
      ids.push(pieceId);
      start = end;
    }
  }
}

/** The same function, which works out again only what is not among the last few thousand it was asked for. */
function remember<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= MOST_KEPT) known.clear();
    const made = work(text);
    known.set(text, made);
    return made;
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
}
