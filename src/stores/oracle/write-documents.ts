/** Writing documents: all of a batch in one transaction, with exact statistics for BM25. */
import { countTerms, createAnalyzer } from '../../analysis/analyzer.js';
import type { Analyze } from '../../analysis/analyzer.js';
import { textHash } from '../../chunking/text-hash.js';
import type { Pin } from '../../model.js';
import { assertSamePin } from '../../pin.js';
import type { DocumentWrite, GenerationRef } from '../port.js';
import { validateVector } from '../validate.js';
import { integer } from './binds.js';
import type { LoadType, LoadValue } from './binds.js';
import type { Located } from './catalog.js';
import { ELEMENT_TYPES, elementRows, loadType, loadValues } from './columns.js';
import type { FieldColumn } from './columns.js';
import type { Session } from './database.js';
import { TAIL_COLUMNS } from './keywords.js';
import { lockGeneration } from './lock-generation.js';
import type { Names } from './names.js';
import { removeDocuments } from './remove-documents.js';
import { noGeneration } from '../refusals.js';

interface AnalyzedChunk {
  readonly write: DocumentWrite;
  readonly chunk: DocumentWrite['chunks'][number];
  readonly terms: ReadonlyMap<string, number>;
  readonly length: number;
}

/** Validates before anything is sent, so that a bad vector costs no transaction. */
export function analyzeBatch(
  located: Located,
  ref: GenerationRef,
  pin: Pin,
  documents: readonly DocumentWrite[],
): readonly AnalyzedChunk[] {
  const { generation, language } = located.collection;
  if (generation.id !== ref.generation) throw noGeneration(ref);
  assertSamePin(located.collection.name, generation.pin, pin);
  const analyze: Analyze = analyzerOf(language);
  return documents.flatMap((write) =>
    write.chunks.map((chunk) => {
      validateVector(chunk.vector, generation.pin.dimensions, generation.metric);
      const terms = analyze(chunk.indexedText);
      return { write, chunk, terms: countTerms(terms), length: terms.length };
    }),
  );
}

const analyzers = new Map<Located['collection']['language'], Analyze>();

/** One analyzer a language: it remembers stems. */
export function analyzerOf(language: Located['collection']['language']): Analyze {
  const known = analyzers.get(language);
  if (known !== undefined) return known;
  const made = createAnalyzer(language);
  analyzers.set(language, made);
  return made;
}

export async function writeDocuments(
  session: Session,
  names: Names,
  located: Located,
  ref: GenerationRef,
  pin: Pin,
  documents: readonly DocumentWrite[],
  analyzed: readonly AnalyzedChunk[],
): Promise<void> {
  const { pin: stored, next_key: firstKey } = await lockGeneration(session, names, ref);
  assertSamePin(ref.collection, stored, pin);
  const ids = documents.map(({ document }) => document.id);
  const removed = await removeDocuments(session, located, ids);
  await loadDocuments(session, located, documents);
  await loadElements(session, located, documents);
  await loadChunks(session, located, analyzed, firstKey);
  await loadVectors(session, located, analyzed, firstKey);
  await loadPostings(session, located, analyzed, firstKey);
  const length = analyzed.reduce((sum, chunk) => sum + chunk.length, 0);
  await session.run({
    text: `UPDATE ${names.generations} SET next_key = next_key + :b_1, chunk_count = chunk_count + :b_2,
      term_count = term_count + :b_3 WHERE id = :b_4`,
    binds: {
      b_1: integer(analyzed.length),
      b_2: integer(analyzed.length - removed.chunks),
      b_3: integer(length - removed.terms),
      b_4: integer(ref.generation),
    },
  });
}

type Columns = readonly (readonly [name: string, type: LoadType])[];

function fieldColumns(columns: readonly FieldColumn[]): Columns {
  return columns.map(({ column, type }) => [column, loadType(type)]);
}

async function loadDocuments(
  session: Session,
  { documents: table, columns }: Located,
  documents: readonly DocumentWrite[],
): Promise<void> {
  const names: Columns = [
    ['document_id', 'text'],
    ['content_hash', 'text'],
    ['chunk_count', 'integer'],
    ...fieldColumns(columns),
    ['summary', 'clob'],
    ['content', 'clob'],
  ];
  const rows = documents.map(({ document, contentHash, chunks, values }): readonly LoadValue[] => {
    const { id, title, source, metadata, text, blocks } = document;
    return [
      id,
      contentHash,
      chunks.length,
      ...loadValues(columns, values),
      JSON.stringify({ title, source, metadata, values }),
      JSON.stringify({ text, blocks }),
    ];
  });
  await session.load(table, names, rows);
}

async function loadElements(
  session: Session,
  { elements, columns }: Located,
  documents: readonly DocumentWrite[],
): Promise<void> {
  const names = ['p1', ...TAIL_COLUMNS, 'num'];
  const rows = documents.flatMap(({ document, values }) =>
    elementRows(columns, values).map((row): readonly LoadValue[] => [document.id, ...row]),
  );
  await session.load(
    elements,
    [
      ['document_id', 'text'],
      ['field_position', 'integer'],
      ['place', 'integer'],
      ...ELEMENT_TYPES.map((type, index) => [names[index] ?? '', type] as const),
    ],
    rows,
  );
}

async function loadChunks(
  session: Session,
  { tables }: Located,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
): Promise<void> {
  const names: Columns = [
    ['chunk_key', 'integer'],
    ['chunk_id', 'text'],
    ['document_id', 'text'],
    ['ordinal', 'integer'],
    ['term_count', 'integer'],
    ['text_hash', 'text'],
    ['content', 'clob'],
  ];
  const rows = analyzed.map(({ chunk, length }, index): readonly LoadValue[] => {
    const { start, end, overlap, headingPath, text, indexedText, tokens, split } = chunk;
    // The text mostly ends the indexed text, and is then not stored twice.
    const isTail = indexedText.endsWith(text);
    const offset = isTail ? indexedText.length - text.length : 0;
    return [
      firstKey + index,
      chunk.id,
      chunk.documentId,
      chunk.ordinal,
      length,
      textHash(indexedText),
      JSON.stringify({
        start,
        end,
        overlap,
        headingPath,
        text: isTail ? null : text,
        offset,
        indexedText,
        tokens,
        split,
      }),
    ];
  });
  await session.load(tables.chunks, names, rows);
}

async function loadVectors(
  session: Session,
  { tables, columns }: Located,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
): Promise<void> {
  const names: Columns = [
    ['chunk_key', 'integer'],
    ['chunk_id', 'text'],
    ['document_id', 'text'],
    ['embedding', 'vector'],
    ...fieldColumns(columns),
  ];
  const rows = analyzed.map(({ write, chunk }, index): readonly LoadValue[] => [
    firstKey + index,
    chunk.id,
    chunk.documentId,
    chunk.vector,
    ...loadValues(columns, write.values),
  ]);
  await session.load(tables.vectors, names, rows);
}

async function loadPostings(
  session: Session,
  { tables }: Located,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
): Promise<void> {
  const rows = analyzed.flatMap(({ terms, length }, index) =>
    [...terms].map(([term, frequency]): readonly LoadValue[] => [term, firstKey + index, frequency, length]),
  );
  await session.load(
    tables.postings,
    [
      ['term', 'text'],
      ['chunk_key', 'integer'],
      ['frequency', 'integer'],
      ['term_count', 'integer'],
    ],
    rows,
  );
}
