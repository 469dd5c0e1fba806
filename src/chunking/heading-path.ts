/** The heading path before a chunk's text. */
import type { Tokenizer } from '../model.js';
import { codePointBorder, collapse, cut } from './lines.js';

/** Between two levels. */
const SEPARATOR = ' > ';
/** Longest name of a level, in UTF-16 code units. */
const MAX_NAME_LENGTH = 500;
/** At most this part of the window is the path's. */
const PATH_SHARE = 1 / 3;

export interface HeadingPaths {
  /** The title first, unless the first heading repeats it. */
  full(path: readonly string[]): readonly string[];
  /** As it stands before the text: the whole path, or what fits its share of the window. */
  prefix(full: readonly string[]): string;
  /** Tokens the prefix takes at most. */
  bound(path: readonly string[]): number;
}

export function headingPaths(title: string | null, tokenizer: Tokenizer): HeadingPaths {
  const name = cut(collapse(title ?? ''), MAX_NAME_LENGTH);
  const share = Math.max(0, Math.floor(tokenizer.maxTokens * PATH_SHARE));
  // Words of a path repeat from chunk to chunk: each is counted once.
  const counts = new Map<string, number>();
  const countOf = (text: string): number => {
    const known = counts.get(text);
    if (known !== undefined) return known;
    const count = tokenizer.count(text);
    counts.set(text, count);
    return count;
  };
  const full = (path: readonly string[]): readonly string[] => {
    const names = path.map((level) => cut(collapse(level), MAX_NAME_LENGTH));
    return name === '' || names[0] === name ? names : [name, ...names];
  };
  const prefixes = new Map<string, string>();
  return {
    full,
    prefix(names) {
      const joined = names.join(SEPARATOR);
      let prefix = prefixes.get(joined);
      if (prefix === undefined) {
        prefix = fit(names, share, tokenizer);
        prefixes.set(joined, prefix);
      }
      return prefix;
    },
    bound(path) {
      const names = full(path);
      const separators = countOf(SEPARATOR) * Math.max(0, names.length - 1);
      const sum = names.reduce((total, level) => total + countOf(level), separators + countOf('\n'));
      return Math.min(sum, share + countOf('\n'));
    },
  };
}

/** Leaves out middle levels first: the title and the nearest heading say most. */
function fit(names: readonly string[], share: number, tokenizer: Tokenizer): string {
  const characters = Math.floor((tokenizer.maxCharacters ?? Infinity) * PATH_SHARE);
  const fits = (text: string): boolean => text.length <= characters && tokenizer.count(text) <= share;
  const [first] = names;
  const last = names.at(-1);
  if (first === undefined || last === undefined) return '';
  const candidates = [names];
  for (let kept = names.length - 2; kept > 0; kept -= 1) candidates.push([first, ...names.slice(-kept)]);
  candidates.push([last]);
  for (const candidate of candidates) {
    const prefix = candidate.join(SEPARATOR);
    if (fits(prefix)) return prefix;
  }
  let prefix = last;
  while (prefix !== '' && !fits(prefix)) {
    const half = codePointBorder(prefix, Math.floor(prefix.length / 2));
    const space = prefix.lastIndexOf(' ', half);
    prefix = prefix.slice(0, space > half / 2 ? space : half);
  }
  return prefix.trim();
}
