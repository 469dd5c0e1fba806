/** The shared schemas of an answer, with the examples that the reference page shows. */
import { z } from 'zod';
import { answerRequestSchema, answerSchema } from '../../answer/schema.js';
import type { Answer, AnswerInput } from '../../answer/schema.js';

const requests: readonly AnswerInput[] = [
  { query: 'How many days of leave do I have?', top_k: 5, filter: { dept: 'HR' } },
  { query: 'How many days of leave do I have?', model: 'amazon.nova-lite-v1:0', stream: true },
];

const answers: readonly Answer[] = [
  {
    collection: 'handbook',
    generation: 1,
    model_version: 'all-MiniLM-L6-v2@5f2a7c91d0be',
    model: 'amazon.nova-lite-v1:0',
    answer: 'You have 30 days of leave a year [S1].',
    citations: [
      {
        start: 0,
        end: 32,
        text: 'You have 30 days of leave a year',
        source: 1,
        chunk_id: '3f1c9a5e7b20d846',
        document_id: 'leave-policy',
        title: 'Handbook',
        heading_path: ['Handbook', 'Leave'],
        quote: 'Everyone has 30 days of leave a year.',
        score: 0.83,
      },
    ],
    sources: [
      {
        number: 1,
        chunk_id: '3f1c9a5e7b20d846',
        document_id: 'leave-policy',
        title: 'Handbook',
        source: 'https://example.com/leave',
        heading_path: ['Handbook', 'Leave'],
        text: 'Everyone has 30 days of leave a year.',
        score: 0.83,
      },
    ],
    warnings: [],
    grounded: true,
    stop_reason: 'end_turn',
    usage: { input_tokens: 412, output_tokens: 18 },
    took_ms: { retrieve: 9.7, generate: 640.2, total: 649.9 },
  },
];

z.globalRegistry.add(answerRequestSchema, {
  ...z.globalRegistry.get(answerRequestSchema),
  examples: [...requests],
});
z.globalRegistry.add(answerSchema, { ...z.globalRegistry.get(answerSchema), examples: [...answers] });

export const eventStreamSchema = z.string().meta({
  description:
    'Server-sent events: `sources`, then `text` again and again, `citations`, `done`; each has JSON as its data. `error` with a problem (RFC 9457) in place of what can no longer come',
});

export { answerRequestSchema, answerSchema };
