/** Comparing a store's legs with the reference's. */
import assert from 'node:assert/strict';
import type { Filter } from '../model.js';
import type { GenerationRef, LegHit, VectorStore } from '../stores/port.js';

/** A place to ask: a store and a generation in it. */
export interface Place {
  readonly store: VectorStore;
  readonly ref: GenerationRef;
}

/** Relative to the score's size, where that is above one. */
const TOLERANCE = 1e-6;

/** The keyword legs are equal to the bit, and in the same order. */
export async function assertSameKeywordLeg(
  actual: Place,
  expected: Place,
  query: { readonly text: string; readonly k: number; readonly filter: Filter },
): Promise<void> {
  const [got, wanted] = await Promise.all([
    actual.store.keywordLeg(actual.ref, query),
    expected.store.keywordLeg(expected.ref, query),
  ]);
  assert.deepEqual(got, wanted, `keyword leg of "${query.text}"`);
}

/**
 * The exact vector legs have the same hits with the same scores, but for the last bits, in which
 * hits that are as near as that may change places.
 */
export async function assertSameVectorLeg(
  actual: Place,
  expected: Place,
  query: { readonly vector: Float32Array; readonly k: number; readonly filter: Filter },
): Promise<readonly LegHit[]> {
  const [{ hits, plan }, wanted] = await Promise.all([
    actual.store.vectorLeg(actual.ref, { ...query, exact: true }),
    expected.store.vectorLeg(expected.ref, { ...query, exact: true }),
  ]);
  assert.equal(plan.strategy, 'exact');
  assert.equal(hits.length, wanted.hits.length, 'as many hits');
  assertOrdered(hits);
  const chunkIds = hits.map(({ chunkId }) => chunkId);
  const exact = await expected.store.scoreChunks(expected.ref, { chunkIds, vector: query.vector });
  for (const [index, hit] of hits.entries()) {
    assertNear(hit.score, wanted.hits[index]?.score, `place ${String(index)}`);
    assertNear(hit.score, exact.get(hit.chunkId)?.vector, hit.chunkId);
  }
  return hits;
}

/** Best first, ties by chunk id, no chunk twice. */
export function assertOrdered(hits: readonly LegHit[]): void {
  assert.equal(new Set(hits.map(({ chunkId }) => chunkId)).size, hits.length, 'no chunk twice');
  for (const [index, hit] of hits.entries()) {
    const before = hits[index - 1];
    if (before === undefined) continue;
    assert.ok(
      before.score > hit.score || (before.score === hit.score && before.chunkId < hit.chunkId),
      `place ${String(index)} is out of order: ${JSON.stringify([before, hit])}`,
    );
  }
}

function assertNear(actual: number, expected: number | null | undefined, what: string): void {
  const wanted = expected ?? NaN;
  const allowed = TOLERANCE * Math.max(1, Math.abs(wanted));
  assert.ok(
    Math.abs(actual - wanted) <= allowed,
    `${what}: ${String(actual)} instead of ${String(expected)}`,
  );
}
