/** Questions with what they are expected to find: of files, of eval sets, and of requests. */
import { z } from 'zod';
import { isStorable } from '../metadata/values.js';

/** An id as a JSON string, or as an integer that JSON numbers hold exactly; always kept as a string. */
export const idSchema = z
  .union([z.string(), z.number().refine(Number.isSafeInteger).transform(String)], {
    error: 'must be a string',
  })
  .refine((id) => id.trim() !== '' && isStorable(id), 'is empty, or holds NUL or half a surrogate pair');

// Strict: a mistyped "passage" would be judged by its document, without a word.
const expectedSchema = z.strictObject(
  {
    document: idSchema,
    passage: z.string({ error: 'must be a string' }).trim().min(1, 'is empty').optional(),
    grade: z.number().int().min(0).max(1000).default(1),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? 'has a member other than document, passage and grade'
        : 'must be a JSON object',
  },
);

/** Other members of a question are not looked at. */
export const questionSchema = z
  .looseObject(
    {
      /** `q` and its number when absent. */
      id: idSchema.optional(),
      query: z.string({ error: 'must be a string' }).trim().min(1, 'is empty'),
      expected: z.array(expectedSchema, { error: 'must be a list' }).min(1, 'is empty'),
    },
    { error: 'must be a JSON object' },
  )
  .refine(
    ({ expected }) => {
      const withPassage = new Set(
        expected.flatMap(({ document, passage }) => (passage === undefined ? [] : [document])),
      );
      return !expected.some(({ document, passage }) => passage === undefined && withPassage.has(document));
    },
    { message: 'a document is expected both as a whole and by a passage' },
  );

export type Question = z.output<typeof questionSchema>;

/** What a question is called: by its own id, else by its number, which counts from 1. */
export function questionId({ id }: Pick<Question, 'id'>, number: number): string {
  return id ?? `q${String(number)}`;
}
