/** The one way from a document to its chunks, whichever chunker the generation has. */
import type { Chunk, ChunkerSettings, Document } from '../model.js';
import { chunkStructure } from './chunk.js';
import { chunkFixed } from './fixed.js';
import { chunkHierarchical } from './hierarchical.js';
import { chunkSemantic } from './semantic.js';
import type { SentenceModel } from './sentence-distances.js';
import { inTurns } from './steps.js';

export type { SentenceModel } from './sentence-distances.js';

export interface ChunkResult {
  /** In the document's order; none of a document of white space. */
  readonly chunks: readonly Chunk[];
  /** Texts the model was asked for on the way; only `semantic` asks it. */
  readonly embedded: number;
}

/**
 * Cuts a document into chunks. Of every chunker: nothing but white space lies between the chunks'
 * own spans, no chunk is over the model's window, the work is linear in the text's length, and the
 * same document and settings give the same chunks. Others have their turns while a large one is cut.
 * @throws RetrievalError the embedder's, of `semantic`; `cancelled`.
 */
export async function chunkWith(
  document: Document,
  settings: ChunkerSettings,
  model: SentenceModel,
  signal?: AbortSignal,
): Promise<ChunkResult> {
  switch (settings.kind) {
    case 'structure':
      return {
        chunks: await inTurns(chunkStructure(document, settings, model.tokenizer), signal),
        embedded: 0,
      };
    case 'fixed':
      return { chunks: await inTurns(chunkFixed(document, settings, model.tokenizer), signal), embedded: 0 };
    case 'semantic':
      return chunkSemantic(document, settings, model, signal);
    case 'hierarchical':
      return {
        chunks: await inTurns(chunkHierarchical(document, settings, model.tokenizer), signal),
        embedded: 0,
      };
    default:
      return settings satisfies never;
  }
}
