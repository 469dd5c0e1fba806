/** What a ranking of hits is in the judgements' terms. */
import { holdsPassage } from '../src/generations/passage.js';
import type { Hit } from '../src/retrieval/schema.js';
import type { ExpectedPassage } from './dataset.js';
import type { ScoredDocument } from './trec.js';

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
