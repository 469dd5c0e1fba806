/** Writing documents: all of a batch in one transaction, in every generation. */
import { assertSamePin } from '../../pin.js';
import type { GenerationBatch } from '../analyze-batch.js';
import type { DocumentWrite, GenerationRef } from '../port.js';
import { notActive } from '../refusals.js';
import type { LoadValue } from './binds.js';
import type { Located } from './catalog.js';
import { ELEMENT_TYPES, elementRows, fieldColumns, loadValues } from './columns.js';
import type { LoadColumns } from './columns.js';
import type { Session } from './database.js';
import { TAIL_COLUMNS } from './keywords.js';
import { findLocked, lockCollection } from './locks.js';
import type { Names } from './names.js';
import { removeDocumentRows } from './remove-documents.js';
import { replaceChunks } from './write-chunks.js';

/** @param batches for the generation of `ref`, and for those beside it */
export async function writeDocuments(
  session: Session,
  names: Names,
  located: Located,
  ref: GenerationRef,
  documents: readonly DocumentWrite[],
  batches: readonly GenerationBatch[],
): Promise<void> {
  const locked = await lockCollection(session, names, ref.collection);
  if (findLocked(locked, ref).state !== 'active') throw notActive(ref);
  const work = locked.generations.map((generation) => {
    const batch = batches.find((one) => one.generation === generation.id);
    if (batch !== undefined) assertSamePin(ref.collection, generation.pin, batch.pin);
    return { generation, analyzed: batch?.analyzed ?? [] };
  });
  const ids = documents.map(({ document }) => document.id);
  const { columns } = located;
  const valuesOf = ({ values }: DocumentWrite): readonly LoadValue[] => loadValues(columns, values);
  for (const { generation, analyzed } of work) {
    await replaceChunks(session, names, generation, ids, analyzed, { columns, valuesOf });
  }
  await removeDocumentRows(session, located, ids);
  await loadDocuments(session, located, documents);
  await loadElements(session, located, documents);
}

async function loadDocuments(
  session: Session,
  { documents: table, columns }: Located,
  documents: readonly DocumentWrite[],
): Promise<void> {
  const names: LoadColumns = [
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
