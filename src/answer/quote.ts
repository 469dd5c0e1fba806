/** Which words of a passage a statement rests on. Pure. */

/** A passage this short is quoted whole. */
const SHORT = 200;
const SENTENCES = new Intl.Segmenter(undefined, { granularity: 'sentence' });

/**
 * The sentence of `passage` that has the most words in common with `statement`; the whole passage
 * where it is short or none has any. Always a part of the passage as it stands.
 */
export function quoteFor(statement: string, passage: string): string {
  const whole = passage.trim();
  if (whole.length <= SHORT) return whole;
  const wanted = new Set(words(statement));
  let best = whole;
  let most = 0;
  for (const { segment } of SENTENCES.segment(whole)) {
    const own = new Set(words(segment));
    const common = [...own].filter((word) => wanted.has(word)).length;
    // Of two that share as many words the one with less besides says it more clearly.
    const score = common === 0 ? 0 : common + common / own.size;
    if (score > most) {
      most = score;
      best = segment.trim();
    }
  }
  return best;
}

function words(text: string): readonly string[] {
  // Short words are in every sentence.
  return text.toLowerCase().match(/[\p{L}\p{N}]{3,}|\p{N}+/gu) ?? [];
}
