/** What the suite's sections share: collections, documents and words made to measure. */
import { createHash } from 'node:crypto';
import type {
  Document,
  EmbeddedChunk,
  Fields,
  FieldValues,
  Filter,
  JsonObject,
  Pin,
  Scalar,
} from '../model.js';
import type { CollectionSpec, DocumentWrite, GenerationRef, VectorStore } from '../stores/port.js';
import type { Context } from './check.js';
import { createRandom } from './random.js';
import type { Random } from './random.js';

export const DIMENSIONS = 16;

export const PIN: Pin = {
  provider: 'test',
  model: 'random',
  revision: '1',
  weightsSha256: 'a'.repeat(64),
  tokenizerSha256: null,
  dimensions: DIMENSIONS,
  pooling: 'mean',
  normalized: false,
  precision: 'fp32',
  documentPrefix: 'passage: ',
  queryPrefix: '',
};

export const FIELDS = {
  dept: 'keyword',
  tags: 'keyword[]',
  price: 'number',
  open: 'boolean',
  created_at: 'date',
} as const satisfies Fields;

export const ALL: Filter = { kind: 'all' };

/**
 * A context over one store. All names begin with `prefix`, so that what a run makes can be told from
 * what was there.
 */
export function createContext(
  store: () => VectorStore,
  reference: () => VectorStore,
  prefix = 'conformance',
): Context {
  let count = 0;
  const newName = (): string => `${prefix}-${String((count += 1))}`;
  return {
    store,
    reference,
    newName,
    create: (overrides) => createIn(store(), specOf({ name: newName(), ...overrides })),
  };
}

export function specOf(overrides: Partial<CollectionSpec> & { readonly name: string }): CollectionSpec {
  return {
    fieldMode: 'declared',
    fields: FIELDS,
    language: 'english',
    embedder: 'test',
    pin: PIN,
    chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
    metric: 'cosine',
    index: { kind: 'none' },
    ...overrides,
  };
}

export async function createIn(store: VectorStore, spec: CollectionSpec): Promise<GenerationRef> {
  const { name, generation } = await store.createCollection(spec);
  return { collection: name, generation: generation.id };
}

export interface WriteOptions {
  /** Tells two states of one document apart. */
  readonly version?: string;
  readonly title?: string | null;
  readonly source?: string | null;
  readonly metadata?: JsonObject;
  readonly values?: FieldValues;
  readonly vectors?: readonly Float32Array[];
}

/** A document whose chunks are these texts. Vectors follow from the texts where none are given. */
export function writeOf(id: string, texts: readonly string[], options: WriteOptions = {}): DocumentWrite {
  const { version = '1', title = `Title of ${id}`, source = null, metadata = {}, values = {} } = options;
  const text = texts.join('\n\n');
  let start = 0;
  const spans = texts.map((part) => {
    const span = { start, end: start + part.length };
    start = span.end + 2;
    return span;
  });
  const document: Document = {
    id,
    title,
    source,
    text,
    blocks: spans.map((span) => ({ kind: 'paragraph', ...span })),
    metadata,
  };
  const chunks = texts.map((part, ordinal): EmbeddedChunk => {
    const { start: from, end: to } = spans[ordinal] ?? { start: 0, end: 0 };
    return {
      id: sha256(`${id}|${version}|${String(ordinal)}`),
      documentId: id,
      ordinal,
      start: from,
      end: to,
      overlap: 0,
      headingPath: title === null ? [] : [title],
      text: part,
      indexedText: part,
      tokens: part.length,
      split: 'block',
      vector: options.vectors?.[ordinal] ?? vectorOf(`${part}|${version}`),
    };
  });
  return { document, values, contentHash: sha256(`${version}|${text}`), chunks };
}

export function vectorOf(text: string): Float32Array {
  return createRandom(createHash('sha256').update(text).digest().readUInt32LE()).vector(DIMENSIONS);
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const WORDS = (
  'engine motor valve piston gasket rotor bearing sensor cable pulley nozzle flange brake pump filter ' +
  'v1.2 0.8.2 node.js covid-19 ERR_TIMEOUT größe naïve 漢字 かな C++ the of and run running runs'
).split(' ');

/** Words of which the first are frequent and the last rare. */
export function textFrom(random: Random, length: number): string {
  return Array.from({ length }, () => WORDS[Math.floor(random.next() ** 2 * WORDS.length)] ?? '').join(' ');
}

/** Documents of one to four chunks, some without some of the fields. */
export function randomWrites(random: Random, count: number, version = '1'): DocumentWrite[] {
  return Array.from({ length: count }, (_, index) => randomWrite(random, `doc-${String(index)}`, version));
}

export function randomWrite(random: Random, id: string, version: string): DocumentWrite {
  const texts = Array.from({ length: 1 + random.int(4) }, () => textFrom(random, 1 + random.int(40)));
  const values: Record<string, Scalar | readonly Scalar[]> = {};
  if (random.chance(0.8)) values['dept'] = random.pick(['Legal', 'Sales', 'Ops', '']);
  if (random.chance(0.7)) values['price'] = random.pick([0, 1, 2.5, -3, 10]);
  if (random.chance(0.6)) values['open'] = random.chance(0.5);
  if (random.chance(0.5)) values['tags'] = random.shuffle(['a', 'b', 'c']).slice(0, 1 + random.int(3));
  if (random.chance(0.5)) values['created_at'] = Date.UTC(2024, random.int(12), 1);
  return writeOf(id, texts, { version, values, vectors: texts.map(() => random.vector(DIMENSIONS)) });
}

export function fieldRef(name: keyof typeof FIELDS): {
  readonly name: string;
  readonly type: Fields[string];
} {
  return { name, type: FIELDS[name] };
}

export function equalTo(name: keyof typeof FIELDS, value: Scalar): Filter {
  return { kind: 'compare', field: fieldRef(name), operator: 'eq', value };
}
