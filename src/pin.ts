/** Naming and comparing model pins. */
import { createHash } from 'node:crypto';
import { RetrievalError } from './errors.js';
import type { Pin } from './model.js';

/** The pin as JSON with its keys in order, so that equal pins give equal text. */
export function canonicalPin(pin: Pin): string {
  return JSON.stringify(Object.fromEntries(Object.entries(pin).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * The pin's short name, as queries and answers state it: the model's own name, then twelve hex
 * digits over every field of the pin.
 */
export function modelVersion(pin: Pin): string {
  const digest = createHash('sha256').update(canonicalPin(pin)).digest('hex').slice(0, 12);
  return `${pin.model}@${digest}`;
}

/** The fields in which two pins differ, by name. */
export function pinDifferences(a: Pin, b: Pin): readonly (keyof Pin)[] {
  const keys = Object.keys(a) as (keyof Pin)[];
  return keys.filter((key) => a[key] !== b[key]);
}

/**
 * Rejects when `actual` is not what the collection is pinned to.
 * @throws RetrievalError `model_mismatch`, with both pins and the fields that differ in `details`.
 */
export function assertSamePin(collection: string, pinned: Pin, actual: Pin): void {
  if (canonicalPin(pinned) === canonicalPin(actual)) return;
  const differing = pinDifferences(pinned, actual);
  throw new RetrievalError(
    'model_mismatch',
    `Collection "${collection}" is pinned to ${modelVersion(pinned)} but was given ${modelVersion(actual)}; ` +
      `they differ in ${differing.join(', ')}. Use the pinned model, or make a new collection for the other one.`,
    {
      details: {
        collection,
        pinned: { model_version: modelVersion(pinned), pin: pinned },
        given: { model_version: modelVersion(actual), pin: actual },
        differing,
      },
    },
  );
}
