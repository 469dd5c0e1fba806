/** Amazon Titan Text Embeddings V2: one text a request. */
import { z } from 'zod';
import { invalidAnswer, parseAnswer, unitVector, vectorSchema } from './codec.js';
import type { Codec } from './codec.js';

export function titanCodec(dimensions: 1024 | 512 | 256): Codec {
  const answerSchema = z.object({
    embedding: vectorSchema(dimensions),
    inputTextTokenCount: z.number().int().nonnegative(),
  });
  return {
    write: ([inputText]) => ({ inputText, dimensions, normalize: true, embeddingTypes: ['float'] }),
    read(answer, texts) {
      const { embedding, inputTextTokenCount } = parseAnswer(answerSchema, answer);
      if (texts !== 1) throw invalidAnswer(`one vector for ${String(texts)} texts`);
      return { vectors: [unitVector(embedding, 0)], tokens: inputTextTokenCount };
    },
  };
}
