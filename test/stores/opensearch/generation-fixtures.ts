/** A collection with a generation beside the active one, and all there is to see of both. */
import type { GenerationSpec, GenerationStore } from '../../../src/stores/generations-port.js';
import type { DocumentWrite, GenerationRef, VectorStore } from '../../../src/stores/port.js';
import { ALL, PIN, createIn, specOf, writeOf } from '../../conformance/store/fixtures.js';

export const OTHER_PIN = { ...PIN, model: 'other', dimensions: 8 };

export const SPEC: GenerationSpec = {
  embedder: 'other',
  pin: OTHER_PIN,
  chunker: { kind: 'structure', targetTokens: 200, overlapTokens: 0 },
  metric: 'cosine',
  index: { kind: 'none' },
};

export const OLD: readonly DocumentWrite[] = [
  writeOf('a', ['engine one', 'engine two']),
  writeOf('b', ['engine valve']),
  writeOf('empty', []),
];

/** The first generation, and one that is built beside it. */
export interface Pair {
  readonly from: GenerationRef;
  readonly to: GenerationRef;
}

export function generationsOf(store: VectorStore): GenerationStore {
  if (store.generations === undefined) throw new Error('The store keeps one generation only');
  return store.generations;
}

export async function makePair(store: VectorStore, name: string): Promise<Pair> {
  const from = await createIn(store, specOf({ name }));
  await store.putDocuments(from, PIN, OLD);
  const made = await generationsOf(store).create(name, SPEC);
  const to = { collection: name, generation: made.id };
  await fill(store, to, OLD);
  return { from, to };
}

/** As a builder does: of the given documents those that are missing. */
export async function fill(
  store: VectorStore,
  to: GenerationRef,
  known: readonly DocumentWrite[],
): Promise<void> {
  const generations = generationsOf(store);
  const missing = await generations.missing(to, { limit: 1000 });
  const writes = missing.flatMap(({ id, contentHash }) =>
    known.filter((write) => write.document.id === id && write.contentHash === contentHash),
  );
  await generations.putChunks(to, OTHER_PIN, writes.map(chunksOf));
}

/** The chunks with vectors of the other model. */
export function chunksOf({ document, contentHash, chunks }: DocumentWrite): {
  readonly documentId: string;
  readonly contentHash: string;
  readonly chunks: DocumentWrite['chunks'];
} {
  return {
    documentId: document.id,
    contentHash,
    chunks: chunks.map((chunk) => ({ ...chunk, vector: chunk.vector.slice(0, OTHER_PIN.dimensions) })),
  };
}

/** What generations hold, by their order: ids are a store's own. BM25 shows what statistics count. */
export async function shown(store: VectorStore, collection: string): Promise<unknown> {
  const generations = [];
  const { items } = await store.listDocuments(collection, { filter: ALL, limit: 100 });
  for (const { id, state, chunks, documents, missing } of await generationsOf(store).list(collection)) {
    const ref = { collection, generation: id };
    const held = [];
    for (const item of items) {
      const own = await store.documentChunks(ref, item.id);
      held.push([item.id, own.map((chunk) => chunk.id)]);
    }
    const keyword = await store.keywordLeg(ref, { text: 'engine valve rotor', k: 100, filter: ALL });
    generations.push({ state, chunks, documents, missing, held, keyword });
  }
  const documents = items.map(({ id, contentHash, chunkCount }) => ({ id, contentHash, chunkCount }));
  return { documents, generations };
}
