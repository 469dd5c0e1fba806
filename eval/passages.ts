/** Whether a hit holds an expected passage, and what a ranking of hits is in the judgements' terms. */
import type { Hit } from '../src/retrieval/schema.js';
import type { ExpectedPassage } from './dataset.js';
import type { ScoredDocument } from './trec.js';

/** A hit with at least this share of a passage's word triples holds it. */
const ENOUGH = 0.5;

/**
 * By words, so that neither white space nor a chunk's border decides: the passage as a whole, or at
 * least half of its runs of three words. A passage of fewer words must be there as a whole.
 */
export function holdsPassage(text: string, passage: string): boolean {
  const wanted = wordsOf(passage);
  const present = wordsOf(text);
  if (wanted.length === 0) return false;
  const whole = ` ${present.join(' ')} `;
  if (whole.includes(` ${wanted.join(' ')} `)) return true;
  const triples = triplesOf(wanted);
  if (triples.length === 0) return false;
  const there = new Set(triplesOf(present));
  return triples.filter((triple) => there.has(triple)).length >= ENOUGH * triples.length;
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

type RankedHit = Pick<Hit, 'document_id' | 'chunk_id' | 'text' | 'score'>;

/**
 * Hits as judged items. One that holds expected passages stands for each of them; another hit of a
 * document in which passages are expected is an item that nobody judged; any other is its document.
 */
export function judgedItems(
  hits: readonly RankedHit[],
  expected: readonly ExpectedPassage[],
): readonly ScoredDocument[] {
  const byDocument = new Map<string, ExpectedPassage[]>();
  for (const passage of expected) {
    const known = byDocument.get(passage.document);
    if (known === undefined) byDocument.set(passage.document, [passage]);
    else known.push(passage);
  }
  return hits.flatMap(({ document_id: document, chunk_id: chunk, text, score }) => {
    const passages = byDocument.get(document);
    if (passages === undefined) return [{ id: document, score }];
    const held = passages.filter((passage) => holdsPassage(text, passage.text));
    if (held.length > 0) return held.map(({ item }) => ({ id: item, score }));
    return [{ id: `${document}#${chunk}`, score }];
  });
}
