/** Writing chunks into a generation, with exact statistics for BM25. */
import { textHash } from '../../chunking/text-hash.js';
import type { AnalyzedChunk } from '../analyze-batch.js';
import type { DocumentWrite } from '../port.js';
import { integer } from './binds.js';
import type { LoadValue } from './binds.js';
import { fieldColumns } from './columns.js';
import type { FieldColumn, LoadColumns } from './columns.js';
import type { Session } from './database.js';
import type { LockedGeneration } from './locks.js';
import type { GenerationTables, Names } from './names.js';
import { removeChunks } from './remove-documents.js';

/** The fields that filters read beside a document's vectors: columns, and values in their order. */
export interface FieldSource {
  readonly columns: readonly FieldColumn[];
  readonly valuesOf: (write: DocumentWrite) => readonly LoadValue[];
}

const NO_FIELDS: FieldSource = { columns: [], valuesOf: () => [] };

/** Takes the documents' chunks out of a generation, and puts others in. The caller holds its lock. */
export async function replaceChunks(
  session: Session,
  names: Names,
  generation: LockedGeneration,
  documentIds: readonly string[],
  analyzed: readonly AnalyzedChunk[],
  fields = NO_FIELDS,
): Promise<void> {
  if (generation.chunk_count === 0 && analyzed.length === 0) return;
  const tables = names.generation(generation.id);
  const firstKey = generation.next_key;
  const removed = await removeChunks(session, tables, documentIds);
  await loadChunks(session, tables, analyzed, firstKey);
  await loadVectors(session, tables, analyzed, firstKey, fields);
  await loadPostings(session, tables, analyzed, firstKey);
  const length = analyzed.reduce((sum, chunk) => sum + chunk.length, 0);
  await session.run({
    text: `UPDATE ${names.generations} SET next_key = next_key + :b_1, chunk_count = chunk_count + :b_2,
      term_count = term_count + :b_3 WHERE id = :b_4`,
    binds: {
      b_1: integer(analyzed.length),
      b_2: integer(analyzed.length - removed.chunks),
      b_3: integer(length - removed.terms),
      b_4: integer(generation.id),
    },
  });
}

async function loadChunks(
  session: Session,
  tables: GenerationTables,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
): Promise<void> {
  const names: LoadColumns = [
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
  tables: GenerationTables,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
  { columns, valuesOf }: FieldSource,
): Promise<void> {
  const names: LoadColumns = [
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
    ...valuesOf(write),
  ]);
  await session.load(tables.vectors, names, rows);
}

async function loadPostings(
  session: Session,
  tables: GenerationTables,
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
