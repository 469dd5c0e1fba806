/** Whether a text holds an expected passage. Pure. */

/** A text with at least this share of a passage's word triples holds it. */
const ENOUGH = 0.5;

/**
 * By words, so that neither white space nor a chunk's border decides: the passage as a whole, or at
 * least half of its runs of three words. A passage of fewer words must be there as a whole.
 */
export function holdsPassage(text: string, passage: string): boolean {
  return passagesIn(text)(passage);
}

/** The same of many passages, for which the text is read once. */
export function passagesIn(text: string): (passage: string) => boolean {
  const present = wordsOf(text);
  const whole = ` ${present.join(' ')} `;
  let there: ReadonlySet<string> | null = null;
  return (passage) => {
    const wanted = wordsOf(passage);
    if (wanted.length === 0) return false;
    if (whole.includes(` ${wanted.join(' ')} `)) return true;
    const triples = triplesOf(wanted);
    if (triples.length === 0) return false;
    const known = (there ??= new Set(triplesOf(present)));
    return triples.filter((triple) => known.has(triple)).length >= ENOUGH * triples.length;
  };
}

/** Letters and digits only: Markdown's signs may have changed on the way. */
function wordsOf(text: string): readonly string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

function triplesOf(words: readonly string[]): readonly string[] {
  return words.slice(2).map((word, at) => `${words[at] ?? ''} ${words[at + 1] ?? ''} ${word}`);
}
