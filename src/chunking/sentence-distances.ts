/** How far each sentence's meaning is from the next one's, by the pinned model. */
import { RetrievalError, throwIfCancelled } from '../errors.js';
import type { Tokenizer } from '../model.js';

/** The part of an embedder that finding borders needs. */
export interface SentenceModel {
  readonly tokenizer: Tokenizer;
  embed(
    texts: readonly string[],
    options: { readonly inputType: 'document'; readonly signal?: AbortSignal },
  ): Promise<readonly Float32Array[]>;
}

export interface Distances {
  /** One less than there are units: 1 − cosine. */
  readonly distances: readonly number[];
  /** Texts the model was asked for. */
  readonly embedded: number;
}

/** Texts embedded at once: only distances are kept, so memory stays bounded. */
const BATCH = 256;

/**
 * Distances between neighbours. A unit is one or more texts, the last of which is its own sentence
 * and fits the window. With `buffer`, so many units on either side are embedded with each, as far
 * as the window has room.
 */
export async function createDistances(
  units: readonly (readonly string[])[],
  buffer: number,
  model: SentenceModel,
  signal?: AbortSignal,
): Promise<Distances> {
  const distances: number[] = [];
  let embedded = 0;
  if (units.length < 2) return { distances, embedded };
  let before: Float32Array | null = null;
  for (let from = 0; from < units.length; from += BATCH) {
    throwIfCancelled(signal);
    const texts = units
      .slice(from, from + BATCH)
      .map((_, index) => textOf(units, from + index, buffer, model.tokenizer));
    const distinct = [...new Set(texts)];
    const vectors = await model.embed(distinct, {
      inputType: 'document',
      ...(signal === undefined ? {} : { signal }),
    });
    embedded += distinct.length;
    const byText = new Map(distinct.map((text, index) => [text, vectors[index]]));
    for (const text of texts) {
      const vector = byText.get(text);
      if (vector === undefined) {
        throw new RetrievalError(
          'embedder_invalid_response',
          'The embedder answered fewer vectors than texts',
        );
      }
      if (before !== null) distances.push(1 - cosine(before, vector));
      before = vector;
    }
  }
  return { distances, embedded };
}

/** As much of the unit's surroundings as fits the window; its own sentence always does. */
function textOf(
  units: readonly (readonly string[])[],
  index: number,
  buffer: number,
  tokenizer: Tokenizer,
): string {
  const unit = units[index] ?? [];
  const around = units.slice(Math.max(0, index - buffer), index + buffer + 1).flat();
  const own = unit.at(-1) ?? '';
  for (const parts of buffer === 0 ? [unit] : [around, unit]) {
    const text = parts.join('\n');
    if (parts.length === 1 || fits(text, tokenizer)) return text;
  }
  return own;
}

function fits(text: string, tokenizer: Tokenizer): boolean {
  const { maxTokens, maxCharacters = Infinity } = tokenizer;
  return text.length <= maxCharacters && tokenizer.count(text) <= maxTokens;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let ofA = 0;
  let ofB = 0;
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    dot += value * other;
    ofA += value * value;
    ofB += other * other;
  }
  const scale = Math.sqrt(ofA) * Math.sqrt(ofB);
  return scale > 0 ? dot / scale : 0;
}
