/** All that a collection shows to the outside, to compare two of them. */
import assert from 'node:assert/strict';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

/** More than there are chunks. */
const EVERYTHING = 1000;
const QUESTIONS = ['which rotor turns', 'the gasket as revised', 'machine 17 piston'];

export function openFake(store: VectorStore): Promise<Runtime> {
  const embedder = createFakeEmbedder();
  return openRuntime(loadConfig({}), { store, openEmbedder: () => Promise.resolve(embedder) });
}

export interface Snapshot {
  /** Equal to the bit in every store. */
  readonly exact: unknown;
  /** Chunk id → similarity, a map for each question. A database computes these in single precision. */
  readonly similarities: readonly ReadonlyMap<string, number>[];
}

const PRECISION = 1e-5;

export function assertSameSnapshot(actual: Snapshot, expected: Snapshot): void {
  assert.deepEqual(actual.exact, expected.exact);
  for (const [index, scores] of expected.similarities.entries()) {
    const got = actual.similarities[index] ?? new Map<string, number>();
    assert.deepEqual([...got.keys()].toSorted(), [...scores.keys()].toSorted());
    for (const [id, score] of scores) {
      assert.ok(Math.abs((got.get(id) ?? NaN) - score) < PRECISION, `similarity of ${id}`);
    }
  }
}

/** Documents with their chunks, counts, and ranked answers: BM25 shows whether the statistics are exact. */
export async function snapshot(runtime: Runtime, questions = QUESTIONS): Promise<Snapshot> {
  const { items } = await runtime.catalog.listDocuments('machines', { limit: 1000 });
  const documents = [];
  for (const { id, contentHash, metadata } of items) {
    const { chunks } = await runtime.catalog.getDocument('machines', id);
    documents.push({ id, contentHash, metadata, chunks: chunks.map((chunk) => chunk.id) });
  }
  const answers = [];
  const similarities: Map<string, number>[] = [];
  for (const query of questions) {
    for (const filter of [{}, { revised: true }, { line: { $gte: 2 } }]) {
      const request = queryRequestSchema.parse({ query, filter, mode: 'keyword', top_k: 50 });
      const { hits } = await runtime.retrieve('machines', request);
      answers.push(hits.map((hit) => [hit.chunk_id, hit.score]));
      const vector = await runtime.retrieve('machines', {
        ...request,
        mode: 'vector',
        top_k: EVERYTHING,
        candidates: EVERYTHING,
      });
      similarities.push(new Map(vector.hits.map((hit) => [hit.chunk_id, hit.score])));
    }
  }
  const { counts } = await runtime.catalog.describeCollection('machines');
  return { exact: { documents, counts, answers }, similarities };
}
