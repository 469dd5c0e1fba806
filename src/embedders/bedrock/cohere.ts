/** Cohere Embed v3: up to 96 texts a request, documents and questions embedded differently. */
import { z } from 'zod';
import type { InputType } from '../../model.js';
import { invalidAnswer, parseAnswer, unitVector, vectorSchema } from './codec.js';
import type { Codec } from './codec.js';

const INPUT_TYPES = {
  document: 'search_document',
  query: 'search_query',
} as const satisfies Record<InputType, string>;

export function cohereCodec(dimensions: number): Codec {
  // Asked for by type, the vectors come under their type's name, not as a bare list.
  const answerSchema = z.object({
    response_type: z.literal('embeddings_by_type'),
    embeddings: z.object({ float: z.array(vectorSchema(dimensions)) }),
  });
  return {
    write: (texts, inputType) => ({
      texts,
      input_type: INPUT_TYPES[inputType],
      // A text that is too long is an error; the other values would cut it off.
      truncate: 'NONE',
      embedding_types: ['float'],
    }),
    read(answer, texts) {
      const { float } = parseAnswer(answerSchema, answer).embeddings;
      if (float.length !== texts) {
        throw invalidAnswer(`${String(float.length)} vectors for ${String(texts)} texts`);
      }
      return { vectors: float.map(unitVector), tokens: null };
    },
  };
}
