/** Naming and comparing model pins: field by field, and by how near their canaries are. */
import { createHash } from 'node:crypto';
import { RetrievalError } from './errors.js';
import type { Pin } from './model.js';

/**
 * The pin as JSON with its keys in order, so that equal pins give equal text. Canaries are left
 * out: they are measured, and never the same to the last bit.
 */
export function canonicalPin(pin: Pin): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(withoutCanaries(pin)).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
}

/** The pin without its vectors: for errors, logs, and all that people read. */
export function withoutCanaries(pin: Pin): Pin {
  const { canaries: _, ...rest } = pin;
  return rest;
}

/**
 * The pin's short name, as queries and answers state it: the model's own name, then twelve hex
 * digits over every field of the pin but its canaries.
 */
export function modelVersion(pin: Pin): string {
  const digest = createHash('sha256').update(canonicalPin(pin)).digest('hex').slice(0, 12);
  return `${pin.model}@${digest}`;
}

/** The same model gives the same vectors but for the last bits of its arithmetic. */
export const LEAST_CANARY_COSINE = 0.9999;

/** A vector as a canary holds it. */
export function encodeVector(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}

/**
 * How near the canaries of two pins are at worst, as a cosine; null when one of them has none. A
 * canary that only one of them has counts as nothing alike.
 */
export function canaryCosine(a: Pin, b: Pin): number | null {
  if (a.canaries === undefined || b.canaries === undefined) return null;
  let least = 1;
  for (const { text, inputType, vector } of a.canaries) {
    const other = b.canaries.find((canary) => canary.text === text && canary.inputType === inputType);
    if (other?.vector === vector) continue;
    least = Math.min(least, other === undefined ? 0 : cosine(vector, other.vector));
  }
  return least;
}

function cosine(a: string, b: string): number {
  const x = Buffer.from(a, 'base64');
  const y = Buffer.from(b, 'base64');
  if (x.length !== y.length) return 0;
  let dot = 0;
  let xx = 0;
  let yy = 0;
  for (let at = 0; at + 4 <= x.length; at += 4) {
    const p = x.readFloatLE(at);
    const q = y.readFloatLE(at);
    dot += p * q;
    xx += p * p;
    yy += q * q;
  }
  return xx > 0 && yy > 0 ? dot / Math.sqrt(xx * yy) : 0;
}

/** The fields in which two pins differ, by name. */
export function pinDifferences(a: Pin, b: Pin): readonly (keyof Pin)[] {
  const keys = Object.keys(withoutCanaries(a)) as (keyof Pin)[];
  const differing = keys.filter((key) => a[key] !== b[key]);
  const isFar = (canaryCosine(a, b) ?? 1) < LEAST_CANARY_COSINE;
  return differing.length === 0 && isFar ? ['canaries'] : differing;
}

/**
 * Rejects when `actual` is not what the collection is pinned to.
 * @throws RetrievalError `model_mismatch`, with both pins and the fields that differ in `details`.
 */
export function assertSamePin(collection: string, pinned: Pin, actual: Pin): void {
  const differing = pinDifferences(pinned, actual);
  if (differing.length === 0 && canonicalPin(pinned) === canonicalPin(actual)) return;
  const isDrift = differing[0] === 'canaries';
  const near = canaryCosine(pinned, actual);
  throw new RetrievalError(
    'model_mismatch',
    isDrift
      ? `Collection "${collection}" is pinned to ${modelVersion(pinned)}, but what the provider runs under that name now, ${modelVersion(actual)}, gives other vectors: ` +
          `known texts have a cosine of ${String(near)} with those kept in the pin, and ${String(LEAST_CANARY_COSINE)} is the least. Make a new collection or generation with the model of now.`
      : `Collection "${collection}" is pinned to ${modelVersion(pinned)} but was given ${modelVersion(actual)}; ` +
          `they differ in ${differing.join(', ')}. Use the pinned model, or make a new collection for the other one.`,
    {
      details: {
        collection,
        pinned: { model_version: modelVersion(pinned), pin: withoutCanaries(pinned) },
        given: { model_version: modelVersion(actual), pin: withoutCanaries(actual) },
        differing,
        ...(isDrift ? { canary_cosine: near } : {}),
      },
    },
  );
}
