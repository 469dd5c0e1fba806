/** What is loaded: documents of five passages with drawn vectors, made-up texts and metadata. */
import { createHash } from 'node:crypto';
import { textHash } from '../../src/chunking/text-hash.js';
import { DEEP } from '../../src/ingest/writer.js';
import type { EmbeddedChunk, FieldType, FieldValues, Pin, Scalar } from '../../src/model.js';
import type { CollectionSpec, DocumentWrite, GenerationRef, VectorStore } from '../../src/stores/port.js';
import { DIMENSIONS, PER_DOCUMENT, TOPICS, drawVectors } from '../ann/vectors.js';
import { mulberry32 } from '../support/random.js';
import { createWordDrawer } from './words.js';
import type { WordDrawer } from './words.js';

export const FIELDS = {
  shelf: 'keyword',
  year: 'number',
  open: 'boolean',
  tags: 'keyword[]',
} as const satisfies Readonly<Record<string, FieldType>>;

/** The service's default index. */
export const HNSW = { kind: 'hnsw', m: 16, efConstruction: 128, buildAfter: 20_000 } as const;

const WORDS = 40;
const SHELVES = 40;
const TAGS = 30;
const FIRST_YEAR = 1990;
const YEARS = 36;

export const PIN: Pin = {
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

export function specOf(name: string, index: CollectionSpec['index'] = HNSW): CollectionSpec {
  return {
    name,
    fieldMode: 'declared',
    fields: FIELDS,
    language: 'english',
    embedder: 'bench',
    pin: PIN,
    chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
    metric: 'cosine',
    index,
  };
}

export interface Question {
  readonly vector: Float32Array;
  readonly text: string;
}

export interface Corpus {
  readonly documents: readonly DocumentWrite[];
  readonly chunks: number;
  readonly questions: readonly Question[];
}

export function drawCorpus(chunks: number, questions: number, seed: number): Corpus {
  const vectors = drawVectors(Math.ceil(chunks / PER_DOCUMENT), questions, seed);
  const random = mulberry32(seed + 1);
  const words = createWordDrawer(random);
  return {
    documents: vectors.documents.map(({ topic, passages }, index) =>
      toWrite(`document-${String(index)}`, topic, passages, random, words),
    ),
    chunks: vectors.documents.length * PER_DOCUMENT,
    questions: vectors.queries.map((vector) => ({
      vector,
      text: words.text(Math.floor(random() * TOPICS), 6),
    })),
  };
}

function toWrite(
  id: string,
  topic: number,
  passages: readonly Float32Array[],
  random: () => number,
  words: WordDrawer,
): DocumentWrite {
  const texts = passages.map(() => words.text(topic, WORDS));
  const values = drawValues(topic, random);
  let start = 0;
  const chunks = passages.map((vector, ordinal): EmbeddedChunk => {
    const text = texts[ordinal] ?? '';
    const from = start;
    start += text.length + 2;
    return {
      id: createHash('sha256')
        .update(`${id} ${String(ordinal)}`)
        .digest('hex'),
      documentId: id,
      ordinal,
      start: from,
      end: from + text.length,
      overlap: 0,
      headingPath: [],
      text,
      indexedText: text,
      tokens: WORDS,
      split: 'block',
      vector,
    };
  });
  const text = texts.join('\n\n');
  return {
    document: { id, title: null, source: null, text, blocks: [], metadata: values },
    values,
    contentHash: textHash(text),
    chunks,
  };
}

/** One document in five lacks `open`, and another has no tags. */
function drawValues(topic: number, random: () => number): FieldValues {
  const int = (below: number): number => Math.floor(random() * below);
  const tags = new Set<Scalar>(Array.from({ length: int(4) }, () => `tag-${String(int(TAGS))}`));
  return {
    shelf: `shelf-${String(topic % SHELVES)}`,
    year: FIRST_YEAR + int(YEARS),
    ...(random() < 0.2 ? {} : { open: random() < 0.5 }),
    ...(tags.size === 0 ? {} : { tags: [...tags] }),
  };
}

/** Puts documents as ingest's writer does: whole ones, until there are chunks for a batch. */
export async function putAll(
  store: VectorStore,
  ref: GenerationRef,
  documents: readonly DocumentWrite[],
): Promise<void> {
  let batch: DocumentWrite[] = [];
  let chunks = 0;
  for (const document of documents) {
    batch.push(document);
    chunks += document.chunks.length;
    if (chunks < DEEP.batch) continue;
    await store.putDocuments(ref, PIN, batch);
    batch = [];
    chunks = 0;
  }
  if (batch.length > 0) await store.putDocuments(ref, PIN, batch);
}

export function slicesOf<T>(items: readonly T[], count: number): readonly (readonly T[])[] {
  const size = Math.ceil(items.length / count);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size)).filter(
    (slice) => slice.length > 0,
  );
}
