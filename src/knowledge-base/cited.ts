/** Collects what a knowledge base cites while it answers, and makes our sources and citations of it. */
import { quoteFor } from '../answer/quote.js';
import type { AnswerSource, Citation } from '../answer/schema.js';
import type { z } from 'zod';
import { toPassage } from './results.js';
import type { Passage, passageSchema } from './results.js';
import type { KnowledgeBase } from './types.js';

export interface Cited {
  /** @param start where the words stand in the answer, if it says so */
  add(words: string, start: number | null, references: readonly z.output<typeof passageSchema>[]): void;
  /** What was cited in this answer; `lost`: citations of words that do not stand in it. */
  finish(answer: string): {
    readonly sources: readonly AnswerSource[];
    readonly citations: readonly Citation[];
    readonly lost: number;
  };
}

interface Part {
  readonly words: string;
  readonly start: number | null;
  readonly numbers: readonly number[];
}

export function createCited(knowledgeBase: KnowledgeBase): Cited {
  const passages: Passage[] = [];
  const numbers = new Map<string, number>();
  const parts: Part[] = [];

  const numberOf = (passage: Passage): number => {
    const known = numbers.get(passage.chunkId);
    if (known !== undefined) return known;
    passages.push(passage);
    numbers.set(passage.chunkId, passages.length);
    return passages.length;
  };

  return {
    add(words, start, references) {
      const cited = references.map((reference) => numberOf(toPassage(reference, knowledgeBase)));
      // A part of the answer without a source comes as a citation too.
      if (cited.length > 0) parts.push({ words, start, numbers: [...new Set(cited)] });
    },

    finish(answer) {
      const citations: Citation[] = [];
      let from = 0;
      let lost = 0;
      for (const { words, start, numbers: cited } of parts) {
        const at = place(answer, words, start, from);
        if (at === null) {
          lost += cited.length;
          continue;
        }
        from = at + words.length;
        for (const number of cited) {
          const passage = passages[number - 1];
          if (passage !== undefined) citations.push(toCitation(passage, number, at, words));
        }
      }
      return { sources: passages.map(toSource), citations, lost };
    },
  };
}

/**
 * Where the words stand: where it is said if they do, else the next place. What the documentation
 * calls the end of a span is not said to be in or out of it, so the words themselves decide.
 */
function place(answer: string, words: string, start: number | null, from: number): number | null {
  if (words === '') return null;
  if (start !== null && answer.startsWith(words, start)) return start;
  const next = answer.indexOf(words, from);
  const found = next < 0 ? answer.indexOf(words) : next;
  return found < 0 ? null : found;
}

function toCitation(passage: Passage, number: number, start: number, words: string): Citation {
  return {
    start,
    end: start + words.length,
    text: words,
    source: number,
    chunk_id: passage.chunkId,
    document_id: passage.documentId,
    title: passage.title,
    heading_path: [],
    quote: quoteFor(words, passage.text),
    score: passage.score,
  };
}

function toSource(passage: Passage, index: number): AnswerSource {
  return {
    number: index + 1,
    chunk_id: passage.chunkId,
    document_id: passage.documentId,
    title: passage.title,
    source: passage.source,
    heading_path: [],
    text: passage.text,
    score: passage.score,
  };
}
