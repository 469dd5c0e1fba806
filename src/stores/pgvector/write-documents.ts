/** Writing documents: all of a batch in one transaction, with exact statistics for BM25. */
import { textHash } from '../../chunking/text-hash.js';
import type { Partitions, Pin, VectorIndex } from '../../model.js';
import { assertSamePin } from '../../pin.js';
import type { AnalyzedChunk, GenerationBatch } from '../analyze-batch.js';
import type { DocumentWrite, GenerationRef } from '../port.js';
import { encodeCopy } from './binary-copy.js';
import type { CopyType, CopyValue } from './binary-copy.js';
import type { Located } from './catalog.js';
import { copyType, copyValues } from './columns.js';
import type { Session } from './database.js';
import { bucketOf, partitionsOf } from './partitions.js';
import { packPostings } from './postings.js';
import type { Posting } from './postings.js';
import type { Version } from './progress.js';
import { removeChunks } from './remove-documents.js';
import { lockedRowSchema, readRow, versionRowSchema } from './rows.js';
import { generationTables } from './tables.js';
import { noGeneration, notActive } from '../refusals.js';

/** The generation's row, locked: writers of one generation take turns. */
export async function lockGeneration(
  session: Session,
  ref: GenerationRef,
): Promise<{ readonly pin: Pin; readonly nextKey: number }> {
  await session.query({ text: 'set local statement_timeout = 0' });
  const [row] = await session.query({
    text: `select g.pin, g.next_key::float8 as next_key from plumbline.generations g
      join plumbline.collections c on c.id = g.collection_id
      where g.id = $1 and c.name = $2 for update of g`,
    values: [ref.generation, ref.collection],
  });
  if (row === undefined) throw noGeneration(ref);
  return { pin: row['pin'] as Pin, nextKey: Number(row['next_key']) };
}

/** A generation's row, locked. */
export interface LockedGeneration {
  readonly id: number;
  readonly state: string;
  readonly pin: Pin;
  readonly index: VectorIndex;
  readonly nextKey: number;
}

/** All generations of a collection, locked in one order: whoever writes documents takes turns. */
export async function lockGenerations(
  session: Session,
  collection: string,
): Promise<readonly LockedGeneration[]> {
  await session.query({ text: 'set local statement_timeout = 0' });
  const rows = await session.query({
    text: `select g.id, g.state, g.pin, g.vector_index, g.next_key::float8 as next_key from plumbline.generations g
      join plumbline.collections c on c.id = g.collection_id
      where c.name = $1 order by g.id for update of g`,
    values: [collection],
  });
  return rows.map((row) => readRow(lockedRowSchema, row));
}

/**
 * @param batches for the generation of `ref`, and for those beside it
 * @returns how far each generation has come with this
 */
export async function writeDocuments(
  session: Session,
  located: Located,
  ref: GenerationRef,
  documents: readonly DocumentWrite[],
  batches: readonly GenerationBatch[],
): Promise<ReadonlyMap<number, Version>> {
  const locked = await lockGenerations(session, ref.collection);
  const own = locked.find(({ id }) => id === ref.generation);
  if (own === undefined) throw noGeneration(ref);
  if (own.state !== 'active') throw notActive(ref);
  const ids = documents.map(({ document }) => document.id);
  await session.query({ text: `delete from ${located.documents} where id = any($1)`, values: [ids] });
  await copyDocuments(session, located, documents);
  const versions = new Map<number, Version>();
  for (const generation of locked) {
    const batch = batches.find((one) => one.generation === generation.id);
    if (batch !== undefined) assertSamePin(ref.collection, generation.pin, batch.pin);
    const tables = generationTables(generation.id);
    const target = { tables, columns: located.columns };
    versions.set(generation.id, await replaceChunks(session, target, generation, ids, batch?.analyzed ?? []));
  }
  return versions;
}

/** Takes the documents' chunks out of a generation, and puts others in. The caller holds its lock. */
export async function replaceChunks(
  session: Session,
  target: Pick<Located, 'tables' | 'columns'>,
  generation: LockedGeneration,
  documentIds: readonly string[],
  analyzed: readonly AnalyzedChunk[],
): Promise<Version> {
  const partitions = partitionsOf(generation.index);
  const removed = await removeChunks(session, target.tables, partitions, documentIds);
  await copyChunks(session, target, partitions, analyzed, generation.nextKey);
  await copyPostings(session, target, analyzed, generation.nextKey);
  const length = analyzed.reduce((sum, chunk) => sum + chunk.length, 0);
  const [row] = await session.query({
    text: `update plumbline.generations set next_key = $2, chunk_count = chunk_count + $3,
      term_count = term_count + $4 where id = $1 returning next_key, chunk_count`,
    values: [
      generation.id,
      generation.nextKey + analyzed.length,
      analyzed.length - removed.chunks,
      length - removed.terms,
    ],
  });
  return readRow(versionRowSchema, row);
}

async function copyDocuments(
  session: Session,
  { documents: table, columns }: Located,
  documents: readonly DocumentWrite[],
): Promise<void> {
  const types: readonly CopyType[] = [
    'text',
    'text',
    'text',
    'text',
    'text',
    'text',
    'text',
    'int4',
    ...columns.map(({ type }) => copyType(type)),
  ];
  const names = 'id, title, source, body, blocks, metadata, content_hash, chunk_count';
  const rows = documents.map(({ document, contentHash, chunks, values }): readonly CopyValue[] => [
    document.id,
    document.title,
    document.source,
    document.text,
    JSON.stringify(document.blocks),
    JSON.stringify(document.metadata),
    contentHash,
    chunks.length,
    ...copyValues(columns, values),
  ]);
  await session.copyIn(
    `${table} (${[names, ...columns.map(({ column }) => column)].join(', ')})`,
    encodeCopy(types, rows),
  );
}

async function copyChunks(
  session: Session,
  { tables, columns }: Pick<Located, 'tables' | 'columns'>,
  partitions: Partitions | null,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
): Promise<void> {
  if (analyzed.length === 0) return;
  // Where vectors are in partitions, each row ends with the number of its own.
  const bucketColumns: readonly (readonly [string, CopyType])[] =
    partitions === null ? [] : [['bucket', 'int2']];
  const bucket = ({ write }: AnalyzedChunk): readonly CopyValue[] =>
    partitions === null ? [] : [bucketOf(write.values, partitions)];
  const chunkColumns: readonly (readonly [string, CopyType])[] = [
    ['key', 'int8'],
    ['chunk_id', 'text'],
    ['document_id', 'text'],
    ['ordinal', 'int4'],
    ['span_start', 'int4'],
    ['span_end', 'int4'],
    ['overlap', 'int4'],
    ['heading_path', 'text'],
    ['body', 'text'],
    ['body_offset', 'int4'],
    ['indexed_text', 'text'],
    ['text_hash', 'text'],
    ['tokens', 'int4'],
    ['split', 'text'],
    ['terms', 'text[]'],
    ['frequencies', 'int4[]'],
    ['length', 'int4'],
    ...bucketColumns,
  ];
  const rows = analyzed.map((one, index): readonly CopyValue[] => {
    const { chunk, terms, length } = one;
    // The body mostly ends the indexed text, and is then not stored twice.
    const isTail = chunk.indexedText.endsWith(chunk.text);
    return [
      firstKey + index,
      chunk.id,
      chunk.documentId,
      chunk.ordinal,
      chunk.start,
      chunk.end,
      chunk.overlap,
      JSON.stringify(chunk.headingPath),
      isTail ? null : chunk.text,
      isTail ? chunk.indexedText.length - chunk.text.length : null,
      chunk.indexedText,
      textHash(chunk.indexedText),
      chunk.tokens,
      chunk.split,
      [...terms.keys()],
      [...terms.values()],
      length,
      ...bucket(one),
    ];
  });
  await copyRows(session, tables.chunks, chunkColumns, rows);
  const vectorColumns: readonly (readonly [string, CopyType])[] = [
    ['key', 'int8'],
    ['chunk_id', 'text'],
    ['document_id', 'text'],
    ['embedding', 'vector'],
    ...columns.map(({ column, type }) => [column, copyType(type)] as const),
    ...bucketColumns,
  ];
  const vectorRows = analyzed.map((one, index): readonly CopyValue[] => [
    firstKey + index,
    one.chunk.id,
    one.chunk.documentId,
    one.chunk.vector,
    ...copyValues(columns, one.write.values),
    ...bucket(one),
  ]);
  await copyRows(session, tables.vectors, vectorColumns, vectorRows);
}

async function copyRows(
  session: Session,
  table: string,
  columns: readonly (readonly [name: string, type: CopyType])[],
  rows: readonly (readonly CopyValue[])[],
): Promise<void> {
  await session.copyIn(
    `${table} (${columns.map(([name]) => name).join(', ')})`,
    encodeCopy(
      columns.map(([, type]) => type),
      rows,
    ),
  );
}

async function copyPostings(
  session: Session,
  { tables }: Pick<Located, 'tables'>,
  analyzed: readonly AnalyzedChunk[],
  firstKey: number,
): Promise<void> {
  const postings = new Map<string, Posting[]>();
  for (const [index, { terms, length }] of analyzed.entries()) {
    for (const [term, frequency] of terms) {
      let ofTerm = postings.get(term);
      if (ofTerm === undefined) postings.set(term, (ofTerm = []));
      ofTerm.push({ key: firstKey + index, frequency, length });
    }
  }
  if (postings.size === 0) return;
  // In the index's order: each page of it is then visited once.
  const sorted = [...postings].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = sorted.map(([term, ofTerm]): readonly CopyValue[] => [
    term,
    firstKey,
    ofTerm.length,
    packPostings(ofTerm),
  ]);
  await session.copyIn(
    `${tables.postings} (term, segment, size, entries)`,
    encodeCopy(['text', 'int8', 'int4', 'bytea'], rows),
  );
}
