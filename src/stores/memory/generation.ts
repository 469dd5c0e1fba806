/**
 * One generation in memory: chunks with their vectors, and an inverted index that is kept with
 * every write, so that its statistics are exact.
 */
import { createAnalyzer, countTerms } from '../../analysis/analyzer.js';
import type { Analyze } from '../../analysis/analyzer.js';
import { bm25, weighTerms } from '../../analysis/bm25.js';
import type { WeightedTerm } from '../../analysis/bm25.js';
import type { EmbeddedChunk, FieldValues, Generation, Language, Metric } from '../../model.js';
import type { ChunkScores, LegHit } from '../port.js';

export interface MemoryChunk {
  readonly chunk: EmbeddedChunk;
  readonly values: FieldValues;
  readonly terms: ReadonlyMap<string, number>;
  /** Terms, repeats included. */
  readonly length: number;
}

export interface GenerationData {
  readonly generation: Generation;
  readonly chunks: ReadonlyMap<string, MemoryChunk>;
  add(chunk: EmbeddedChunk, values: FieldValues): void;
  remove(chunkId: string): void;
  nearest(vector: Float32Array, k: number, accept: (values: FieldValues) => boolean): readonly LegHit[];
  bestKeywords(text: string, k: number, accept: (values: FieldValues) => boolean): readonly LegHit[];
  score(ids: readonly string[], vector?: Float32Array, text?: string): ReadonlyMap<string, ChunkScores>;
}

export function createGenerationData(generation: Generation, language: Language): GenerationData {
  const analyze: Analyze = createAnalyzer(language);
  const chunks = new Map<string, MemoryChunk>();
  const postings = new Map<string, Set<string>>();
  let totalLength = 0;

  const weigh = (text: string): readonly WeightedTerm[] => {
    const terms = countTerms(analyze(text));
    return weighTerms(terms, {
      chunks: chunks.size,
      totalLength,
      documentFrequency: new Map([...terms.keys()].map((term) => [term, postings.get(term)?.size ?? 0])),
    });
  };
  const keywordScore = (query: readonly WeightedTerm[], entry: MemoryChunk): number =>
    bm25(query, (term) => entry.terms.get(term) ?? 0, entry.length, totalLength / chunks.size);

  return {
    generation,
    chunks,

    add(chunk, values) {
      const terms = analyze(chunk.indexedText);
      const counts = countTerms(terms);
      chunks.set(chunk.id, { chunk, values, terms: counts, length: terms.length });
      totalLength += terms.length;
      for (const term of counts.keys()) {
        const posting = postings.get(term);
        if (posting === undefined) postings.set(term, new Set([chunk.id]));
        else posting.add(chunk.id);
      }
    },

    remove(chunkId) {
      const entry = chunks.get(chunkId);
      if (entry === undefined) return;
      chunks.delete(chunkId);
      totalLength -= entry.length;
      for (const term of entry.terms.keys()) {
        const posting = postings.get(term);
        posting?.delete(chunkId);
        if (posting?.size === 0) postings.delete(term);
      }
    },

    nearest(vector, k, accept) {
      const hits: LegHit[] = [];
      for (const { chunk, values } of chunks.values()) {
        if (!accept(values)) continue;
        const score = similarity(generation.metric, vector, chunk.vector);
        hits.push({ chunkId: chunk.id, documentId: chunk.documentId, score });
      }
      return hits.sort(compareHits).slice(0, k);
    },

    bestKeywords(text, k, accept) {
      const query = weigh(text);
      const candidates = new Set(query.flatMap(({ term }) => [...(postings.get(term) ?? [])]));
      const hits: LegHit[] = [];
      for (const id of candidates) {
        const entry = chunks.get(id);
        if (entry === undefined || !accept(entry.values)) continue;
        hits.push({ chunkId: id, documentId: entry.chunk.documentId, score: keywordScore(query, entry) });
      }
      return hits.sort(compareHits).slice(0, k);
    },

    score(ids, vector, text) {
      const query = text === undefined ? null : weigh(text);
      const scores = new Map<string, ChunkScores>();
      for (const id of ids) {
        const entry = chunks.get(id);
        if (entry === undefined) continue;
        scores.set(id, {
          vector: vector === undefined ? null : similarity(generation.metric, vector, entry.chunk.vector),
          keyword: query === null ? null : keywordScore(query, entry),
        });
      }
      return scores;
    },
  };
}

function compareHits(a: LegHit, b: LegHit): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : 0;
}

/** Higher is better: cosine, dot product, or minus the Euclidean distance. In double precision. */
export function similarity(metric: Metric, a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let normA = 0;
  let normB = 0;
  let squares = 0;
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? 0;
    dot += left * right;
    normA += left * left;
    normB += right * right;
    squares += (left - right) ** 2;
  }
  switch (metric) {
    case 'cosine':
      return normA === 0 || normB === 0 ? 0 : Math.max(-1, Math.min(1, dot / Math.sqrt(normA * normB)));
    case 'dot':
      return dot;
    case 'l2':
      return -Math.sqrt(squares);
    default:
      return metric satisfies never;
  }
}
