/** Vectors for chunks: each text once, and none whose vector is known. */
import { textHash } from '../chunking/text-hash.js';
import type { EmbedOptions, Embedder } from '../embedders/port.js';
import { RetrievalError } from '../errors.js';
import type { Chunk, EmbeddedChunk } from '../model.js';

export interface EmbeddedChunks {
  readonly chunks: readonly EmbeddedChunk[];
  /** Texts the embedder was asked for. */
  readonly embedded: number;
  /** Chunks whose vector was known. */
  readonly reused: number;
}

/** For `embedChunks`, where there is nothing to take over. */
export const NOTHING_KEPT: ReadonlyMap<string, Float32Array> = new Map();

/**
 * @param kept vectors of the same model by the hash of the text they were made of
 * @throws RetrievalError what the embedder rejects with
 */
export async function embedChunks(
  embedder: Pick<Embedder, 'embed'>,
  chunks: readonly Chunk[],
  kept: ReadonlyMap<string, Float32Array>,
  options: Omit<EmbedOptions, 'inputType'>,
): Promise<EmbeddedChunks> {
  const vectors = new Map<string, Float32Array>();
  const missing = new Map<string, string>();
  for (const { indexedText } of chunks) {
    const key = textHash(indexedText);
    const vector = kept.get(key);
    if (vector === undefined) missing.set(key, indexedText);
    else vectors.set(key, vector);
  }
  const made =
    missing.size === 0
      ? []
      : await embedder.embed([...missing.values()], { ...options, inputType: 'document' });
  for (const [at, key] of [...missing.keys()].entries()) {
    const vector = made[at];
    if (vector === undefined) {
      throw new RetrievalError('embedder_invalid_response', 'The embedder answered fewer vectors than texts');
    }
    vectors.set(key, vector);
  }
  return {
    chunks: chunks.map((chunk): EmbeddedChunk => {
      const vector = vectors.get(textHash(chunk.indexedText));
      if (vector === undefined) throw new RetrievalError('internal', 'A chunk has no vector');
      return { ...chunk, vector };
    }),
    embedded: missing.size,
    reused: chunks.length - missing.size,
  };
}
