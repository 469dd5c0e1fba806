/** The collection that is searched: its documents, and fields that select a share of them. */
import type { Filter, Pin } from '../../src/model.js';
import type { CollectionSpec, DocumentWrite, GenerationRef, VectorStore } from '../../src/stores/port.js';
import { toChunks } from '../support/passages.js';
import { mulberry32 } from '../support/random.js';
import { DIMENSIONS } from './vectors.js';
import type { DocumentVectors } from './vectors.js';

/** Shares of the documents that filters keep; 30 % is the largest here that is not all. */
export const SELECTIVITIES = [1, 0.3, 0.1, 0.01, 0.001] as const;
export type Selectivity = (typeof SELECTIVITIES)[number];

/** Whether what a filter keeps is spread over all topics, or whole topics. */
export type Kind = 'spread' | 'topics';

export const FIELDS = { place: 'number', shelf: 'keyword' } as const;
const BATCH = 200;

const PIN: Pin = {
  provider: 'bench',
  model: 'drawn',
  revision: '1',
  weightsSha256: null,
  tokenizerSha256: null,
  dimensions: DIMENSIONS,
  pooling: 'mean',
  normalized: true,
  precision: 'fp32',
  documentPrefix: '',
  queryPrefix: '',
};

const SPEC = {
  name: 'bench-ann',
  fieldMode: 'declared',
  fields: FIELDS,
  language: 'english',
  embedder: 'bench',
  pin: PIN,
  chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
  metric: 'cosine',
  // The service's defaults.
  index: { kind: 'hnsw', m: 16, efConstruction: 128, buildAfter: 20_000 },
} as const satisfies CollectionSpec;

export interface Loaded {
  readonly ref: GenerationRef;
  readonly loadSeconds: number;
  readonly buildSeconds: number;
}

export async function load(
  store: VectorStore,
  documents: readonly DocumentVectors[],
  seed: number,
  compression: '2x' | null = null,
): Promise<Loaded> {
  const spec =
    compression === null
      ? SPEC
      : { ...SPEC, name: `${SPEC.name}-${compression}`, index: { ...SPEC.index, compression } };
  const { name, generation } = await store.createCollection(spec);
  const ref = { collection: name, generation: generation.id };
  const writes = toWrites(documents, seed);
  const began = performance.now();
  for (let at = 0; at < writes.length; at += BATCH) {
    await store.putDocuments(ref, PIN, writes.slice(at, at + BATCH));
  }
  const loaded = performance.now();
  await store.finishLoad(ref);
  return { ref, loadSeconds: (loaded - began) / 1000, buildSeconds: (performance.now() - loaded) / 1000 };
}

/** `place` is a document's rank in a shuffled order; `shelf` goes by topic. */
function toWrites(documents: readonly DocumentVectors[], seed: number): readonly DocumentWrite[] {
  const random = mulberry32(seed);
  const shuffled = ranks(documents.map(() => random()));
  const byTopic = ranks(documents.map(({ topic }) => topic));
  return documents.map(({ passages }, index) => {
    const id = `document-${String(index)}`;
    const chunks = toChunks(id, passages);
    return {
      document: { id, title: null, source: null, text: id, blocks: [], metadata: {} },
      values: {
        place: (shuffled[index] ?? 0) / documents.length,
        shelf: shelfOf((byTopic[index] ?? 0) / documents.length),
      },
      contentHash: id,
      chunks,
    };
  });
}

/** Each number's place in ascending order; equal ones in the order they came. */
function ranks(numbers: readonly number[]): readonly number[] {
  const order = numbers.map((number, index) => ({ number, index })).sort((a, b) => a.number - b.number);
  const places = numbers.map(() => 0);
  for (const [place, { index }] of order.entries()) places[index] = place;
  return places;
}

/** The name of the smallest selectivity that holds the place. */
function shelfOf(place: number): string {
  return `shelf-${String(SELECTIVITIES.findLast((selectivity) => place < selectivity) ?? 1)}`;
}

export function filterOf(kind: Kind, selectivity: Selectivity): Filter {
  if (selectivity === 1) return { kind: 'all' };
  if (kind === 'spread') {
    const field = { name: 'place', type: FIELDS.place };
    return { kind: 'compare', field, operator: 'lt', value: selectivity };
  }
  const values = SELECTIVITIES.filter((other) => other <= selectivity).map(
    (other) => `shelf-${String(other)}`,
  );
  return { kind: 'in', field: { name: 'shelf', type: FIELDS.shelf }, values };
}
