/** The shared schemas of a query and its answer, with the examples that the reference page shows. */
import { z } from 'zod';
import { queryAnswerSchema, queryRequestSchema } from '../../retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../retrieval/schema.js';

const requests: readonly QueryInput[] = [
  {
    query: 'How many days of leave do I have?',
    top_k: 5,
    filter: { dept: 'HR', published_at: { $gte: '2024-01-01' } },
  },
  { query: 'data retention', mode: 'hybrid', group_by_document: 'best', explain: true },
];

const answers: readonly QueryAnswer[] = [
  {
    collection: 'handbook',
    generation: 1,
    model_version: 'all-MiniLM-L6-v2@5f2a7c91d0be',
    mode: 'hybrid',
    hits: [
      {
        chunk_id: '3f1c9a5e7b20d846',
        ordinal: 0,
        heading_path: ['Handbook', 'Leave'],
        text: 'Everyone has 30 days of leave a year.',
        start: 21,
        end: 58,
        document_id: 'leave-policy',
        score: 0.83,
        title: 'Handbook',
        source: 'https://example.com/leave',
        tokens: 12,
        metadata: { dept: 'HR', published_at: '2024-05-01' },
      },
    ],
    total: 1,
    took_ms: { embed: 6.1, legs: 2.4, complete: 0.8, total: 9.7 },
  },
];

z.globalRegistry.add(queryRequestSchema, {
  ...z.globalRegistry.get(queryRequestSchema),
  examples: [...requests],
});
z.globalRegistry.add(queryAnswerSchema, {
  ...z.globalRegistry.get(queryAnswerSchema),
  examples: [...answers],
});

export { queryAnswerSchema, queryRequestSchema };
