/** What differs from model to model on the wire. */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { InputType } from '../../model.js';

export interface Codec {
  /** The request's body. */
  write(texts: readonly string[], inputType: InputType): object;
  /**
   * The vectors in the texts' order, of unit length.
   * @throws RetrievalError `embedder_invalid_response` when the answer is not one vector a text.
   */
  read(answer: unknown, texts: number): Decoded;
}

export interface Decoded {
  readonly vectors: readonly Float32Array[];
  /** Tokens as the provider counted them, where the body says so. */
  readonly tokens: number | null;
}

/** Finite numbers: JSON has no others, but a number may be too large for a double. */
export function vectorSchema(dimensions: number): z.ZodType<readonly number[]> {
  return z.array(z.number()).length(dimensions);
}

/** @throws RetrievalError `embedder_invalid_response`, without a value of the answer. */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const place = parsed.error.issues[0]?.path.join('.') ?? '';
  throw invalidAnswer(`${place === '' ? 'the answer' : place} is not as documented`);
}

/** Scales to unit length in double precision; a vector that has no direction is refused. */
export function unitVector(numbers: readonly number[], index: number): Float32Array {
  let squares = 0;
  for (const value of numbers) squares += value * value;
  const length = Math.sqrt(squares);
  if (!Number.isFinite(length) || length < 1e-6) {
    throw invalidAnswer(`vector ${String(index)} has a length of zero or is not finite`);
  }
  return Float32Array.from(numbers, (value) => value / length);
}

export function invalidAnswer(what: string): RetrievalError {
  return new RetrievalError(
    'embedder_invalid_response',
    `The embedder's answer is not valid: ${what}. Nothing of it was stored.`,
  );
}
