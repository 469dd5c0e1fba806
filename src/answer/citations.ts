/** From markers to citations: which words of the answer rest on which passage. Pure. */
import type { Hit } from '../retrieval/schema.js';
import type { Marker } from './markers.js';
import { quoteFor } from './quote.js';
import type { Citation } from './schema.js';

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * One citation for each source of each marker. A marker's span is the sentence before it, from the
 * marker before it on; markers side by side share one.
 */
export function citationsOf(answer: string, markers: readonly Marker[], sources: readonly Hit[]): Citation[] {
  const citations: Citation[] = [];
  let from = 0;
  let span: Span = { start: 0, end: 0 };
  for (const marker of markers) {
    span = lastSentence(answer, from, marker.start) ?? span;
    from = marker.end;
    const text = answer.slice(span.start, span.end);
    for (const number of marker.sources) {
      const hit = sources[number - 1];
      if (hit === undefined) continue;
      citations.push({
        ...span,
        text,
        source: number,
        chunk_id: hit.chunk_id,
        document_id: hit.document_id,
        title: hit.title,
        heading_path: [...hit.heading_path],
        quote: quoteFor(text, hit.text),
        score: hit.score,
      });
    }
  }
  return citations;
}

const SENTENCES = new Intl.Segmenter(undefined, { granularity: 'sentence' });

/** Null where there is nothing but spaces and punctuation. */
function lastSentence(answer: string, from: number, to: number): Span | null {
  let found: Span | null = null;
  for (const { segment, index } of SENTENCES.segment(answer.slice(from, to))) {
    const first = /[\p{L}\p{N}]/u.exec(segment)?.index;
    if (first === undefined) continue;
    // A quotation mark or bracket belongs to its sentence; a bullet or a comma does not.
    const opening = /["'“‘«(]*$/u.exec(segment.slice(0, first))?.[0].length ?? 0;
    found = { start: from + index + first - opening, end: from + index + segment.trimEnd().length };
  }
  return found;
}
