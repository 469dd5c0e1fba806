/**
 * Turns text into the terms of the keyword leg. Documents and questions go through the same
 * function, in this process, so every store ranks the same terms.
 *
 * Compatibility forms and Latin accents are folded and letters lowered. A word with inner dots,
 * underscores, or hyphens beside digits (`0.8.2`, `node.js`, `ERR_TIMEOUT`, `covid-19`) is kept
 * whole *and* in parts, so product names and version numbers can be found exactly. Han and kana
 * runs become overlapping pairs, for they have no spaces.
 */
import { createHash } from 'node:crypto';
import { stemmer } from '@orama/stemmers/english';
import type { Language } from '../model.js';
import { ENGLISH_STOP_WORDS } from './stop-words.js';

/** Text → terms in order, repeats included. Pure, and linear in the text's length. */
export type Analyze = (text: string) => readonly string[];

/** Longer terms are replaced by their hash: they stay distinct, and an index key stays small. */
const MAX_TERM_LENGTH = 128;

// A run of letters, digits and marks, with single joiners inside. `C++`, `C#` and `.NET` are
// names people search for.
const WORD =
  /(?<![\p{L}\p{N}_])(?:[cf]#|[a-z]\+\+|\.net)(?![\p{L}\p{N}_])|[\p{L}\p{N}\p{M}]+(?:['’ʼ._-][\p{L}\p{N}\p{M}]+)*/gu;
const CJK = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]+$/u;
const CJK_RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]+/gu;

/**
 * The analyzer of a language: `english` drops stop words and stems by Snowball's English
 * algorithm; `none` keeps words as they are.
 */
export function createAnalyzer(language: Language): Analyze {
  const finish = language === 'english' ? createEnglish() : identity;
  return (text) => {
    const terms: string[] = [];
    const push = (word: string): void => {
      const term = finish(word);
      if (term !== null) terms.push(term.length > MAX_TERM_LENGTH ? hashed(term) : term);
    };
    for (const [word] of fold(text).matchAll(WORD)) splitWord(word, push);
    return terms;
  };
}

const analyzers = new Map<Language, Analyze>();

/** The one analyzer of a language: it remembers stems. */
export function analyzerOf(language: Language): Analyze {
  const known = analyzers.get(language);
  if (known !== undefined) return known;
  const made = createAnalyzer(language);
  analyzers.set(language, made);
  return made;
}

/** Term → how often it occurs. */
export function countTerms(terms: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

/**
 * Normalising sorts each run of combining marks, in time quadratic in the run's length. As in
 * Unicode's stream-safe text format (UAX #15), a joiner ends every run after thirty.
 */
const LONG_MARKS = /\p{M}{30}/gu;

const ASCII = /^[\x00-\x7f]*$/u;

function fold(text: string): string {
  // Nothing of what follows changes it but the last step.
  if (ASCII.test(text)) return text.toLowerCase();
  return text
    .toWellFormed()
    .replace(LONG_MARKS, '$&\u034f')
    .normalize('NFKD')
    .replace(/(\p{Script=Latin})\p{Mn}+/gu, '$1')
    .normalize('NFC')
    .toLowerCase();
}

function splitWord(word: string, push: (word: string) => void): void {
  // Most words: one part, no joiner, no digit.
  if (/^[a-z]+$/u.test(word)) {
    push(word);
    return;
  }
  if (/^(?:[cf]#|[a-z]\+\+|\.net)$/u.test(word)) {
    push(word);
    return;
  }
  const parts = word.split(/[._-]/u);
  if (parts.length > 1 && (/[._]/u.test(word) || /\p{N}/u.test(word))) push(withoutV(word));
  for (const part of parts) {
    for (const [run] of part.matchAll(CJK_RUN)) {
      if (CJK.test(run)) pairs(run, push);
      else push(withoutV(run));
    }
  }
}

/** `v1.2` and `1.2` are one version. */
function withoutV(word: string): string {
  return /^v\d/u.test(word) ? word.slice(1) : word;
}

function pairs(run: string, push: (word: string) => void): void {
  const characters = Array.from(run);
  const [first] = characters;
  if (characters.length === 1 && first !== undefined) push(first);
  let before = first;
  for (const character of characters.slice(1)) {
    push(`${before ?? ''}${character}`);
    before = character;
  }
}

function hashed(term: string): string {
  return createHash('sha256').update(term).digest('hex');
}

function identity(word: string): string | null {
  return word;
}

/** Stems repeat: remembering them makes analysis several times faster. Bounded, so hostile text cannot grow it. */
const STEM_CACHE_SIZE = 50_000;

function createEnglish(): (word: string) => string | null {
  const known = new Map<string, string | null>();
  return (raw) => {
    const found = known.get(raw);
    if (found !== undefined) return found;
    const term = english(raw);
    if (raw.length > MAX_TERM_LENGTH) return term;
    if (known.size >= STEM_CACHE_SIZE) known.clear();
    known.set(raw, term);
    return term;
  };
}

function english(raw: string): string | null {
  const word = raw.replace(/[’ʼ]/gu, "'").replace(/'s$/u, '');
  if (word === '' || ENGLISH_STOP_WORDS.has(word)) return null;
  // Numbers, versions and names with signs have no stem; over-long words would only cost time.
  return word.length > MAX_TERM_LENGTH || !/^\p{L}+$/u.test(word) ? word : stemmer(word);
}
