/** The events of an answer, as one. */
import { RetrievalError } from '../errors.js';
import type { Answer, AnswerEvent } from './schema.js';

/** Reads the events to their end. */
export async function collectAnswer(events: AsyncIterable<AnswerEvent>): Promise<Answer> {
  let head: (AnswerEvent & { readonly event: 'sources' })['data'] | null = null;
  let cited: (AnswerEvent & { readonly event: 'citations' })['data'] | null = null;
  let tail: (AnswerEvent & { readonly event: 'done' })['data'] | null = null;
  let answer = '';
  for await (const event of events) {
    switch (event.event) {
      case 'sources':
        head = event.data;
        break;
      case 'text':
        answer += event.data.text;
        break;
      case 'citations':
        cited = event.data;
        break;
      case 'done':
        tail = event.data;
        break;
      default:
        event satisfies never;
    }
  }
  if (head === null || cited === null || tail === null) {
    throw new RetrievalError('internal', 'An answer ended before its end');
  }
  const { sources, ...rest } = head;
  return {
    ...rest,
    answer,
    citations: [...cited.citations],
    sources: [...sources],
    warnings: [...cited.warnings],
    ...tail,
  };
}
