/** The documents that are searched: of departments that write about topics of their own, or about all. */
import type { Filter, Partitions } from '../../src/model.js';
import type { DocumentWrite, GenerationRef, VectorStore } from '../../src/stores/port.js';
import type { DocumentVectors } from '../ann/vectors.js';
import { HNSW, putAll, specOf } from '../load/corpus.js';
import { toChunks } from '../support/passages.js';
import { mulberry32 } from '../support/random.js';

export const DEPARTMENTS: readonly string[] = Array.from(
  { length: 8 },
  (_, at) => `department-${String(at)}`,
);

const FIELDS = { department: 'keyword', place: 'number' } as const;
/** Documents in ten that are about a topic of their department. */
const OWN_TOPIC = 0.7;

export interface Loaded {
  readonly ref: GenerationRef;
  readonly load_seconds: number;
  readonly build_seconds: number;
  readonly index_bytes: number;
}

export async function load(
  store: VectorStore,
  writes: readonly DocumentWrite[],
  partitions: Partitions | null,
): Promise<Loaded> {
  // Also a small run is to be answered by graphs.
  const whole = { ...HNSW, buildAfter: 1000 };
  const index = partitions === null ? whole : { ...whole, partitions };
  const spec = specOf(partitions === null ? 'bench-whole' : 'bench-partitioned', index);
  const { name, generation } = await store.createCollection({ ...spec, fields: FIELDS });
  const ref = { collection: name, generation: generation.id };
  const began = performance.now();
  await putAll(store, ref, writes);
  const loaded = performance.now();
  await store.finishLoad(ref);
  return {
    ref,
    load_seconds: (loaded - began) / 1000,
    build_seconds: (performance.now() - loaded) / 1000,
    index_bytes: (await store.indexBytes?.(name)) ?? Number.NaN,
  };
}

/** Each document with a department, and a place that is drawn from 0 to 1. */
export function toWrites(documents: readonly DocumentVectors[], seed: number): readonly DocumentWrite[] {
  const random = mulberry32(seed + 2);
  return documents.map(({ topic, passages }, index) => {
    const id = `document-${String(index)}`;
    const at = random() < OWN_TOPIC ? topic : Math.floor(random() * DEPARTMENTS.length);
    const values = { department: DEPARTMENTS[at % DEPARTMENTS.length] ?? '', place: random() };
    const chunks = toChunks(id, passages);
    const document = { id, title: null, source: null, text: id, blocks: [], metadata: values };
    return { document, values, contentHash: id, chunks };
  });
}

export interface Case {
  readonly name: string;
  /** Of query number `at`. */
  filter(at: number): Filter;
}

const DEPARTMENT = { name: 'department', type: FIELDS.department } as const;

function departments(at: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, next) => DEPARTMENTS[(at + next * 3) % DEPARTMENTS.length] ?? '');
}

/** Departments take turns: which of them share a partition is chance, and all of them count. */
export const CASES: readonly Case[] = [
  {
    name: 'one department',
    filter: (at) => ({ kind: 'in', field: DEPARTMENT, values: departments(at, 1) }),
  },
  {
    name: 'two departments',
    filter: (at) => ({ kind: 'in', field: DEPARTMENT, values: departments(at, 2) }),
  },
  { name: 'no filter', filter: () => ({ kind: 'all' }) },
  {
    name: 'another field, 30 %',
    filter: () => ({
      kind: 'compare',
      field: { name: 'place', type: FIELDS.place },
      operator: 'lt',
      value: 0.3,
    }),
  },
];
