/** From a question to its vector. */
import { chunkDocument } from '../chunking/chunk.js';
import { parseDocument } from '../chunking/parse.js';
import type { Embedder } from '../embedders/port.js';
import { RetrievalError } from '../errors.js';
import type { CallOptions } from '../stores/port.js';

/**
 * Embeds a question. One that is longer than the model's window is not cut off: it is split as a
 * document would be, and its vector is the mean of its parts' vectors, weighted by their tokens
 * (and of unit length where the model's vectors are).
 */
export async function embedQuestion(
  embedder: Embedder,
  question: string,
  options: CallOptions,
): Promise<Float32Array> {
  const { tokenizer } = embedder;
  const embedOptions = {
    inputType: 'query',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  } as const;
  const { maxTokens, maxCharacters = Infinity } = tokenizer;
  if (question.length <= maxCharacters && tokenizer.count(question) <= maxTokens) {
    const [vector] = await embedder.embed([question], embedOptions);
    return present(vector);
  }
  const document = parseDocument({ id: 'question', format: 'text', content: question, metadata: {} });
  const parts = chunkDocument(
    document,
    { kind: 'structure', targetTokens: tokenizer.maxTokens, overlapTokens: 0 },
    tokenizer,
  );
  const vectors = await embedder.embed(
    parts.map((part) => part.indexedText),
    embedOptions,
  );
  return weightedMean(
    parts.map((part, index) => ({ weight: part.tokens, vector: present(vectors[index]) })),
    embedder.pin.dimensions,
    embedder.pin.normalized,
  );
}

function weightedMean(
  parts: readonly { readonly weight: number; readonly vector: Float32Array }[],
  dimensions: number,
  normalized: boolean,
): Float32Array {
  const sum = new Float64Array(dimensions);
  let weights = 0;
  for (const { weight, vector } of parts) {
    weights += weight;
    for (const [index, value] of vector.entries()) sum[index] = (sum[index] ?? 0) + weight * value;
  }
  const scale = normalized ? Math.hypot(...sum) : weights;
  return Float32Array.from(sum, (value) => (scale > 0 ? value / scale : 0));
}

function present(vector: Float32Array | undefined): Float32Array {
  if (vector !== undefined) return vector;
  throw new RetrievalError('embedder_invalid_response', 'The embedder left out a vector for the question');
}
