/**
 * Locked rows. Whoever changes a collection's documents, generations or fields locks its row first
 * and those of its generations next, so that nobody waits for each other in a circle. Building a
 * generation's index takes that generation's row alone.
 */
import type { z } from 'zod';
import type { GenerationRef } from '../port.js';
import { noCollection, noGeneration } from '../refusals.js';
import { integer, text } from './binds.js';
import { toColumns } from './columns.js';
import type { FieldColumn } from './columns.js';
import type { Session, Statement } from './database.js';
import type { Names } from './names.js';
import { lockedFieldsSchema, lockedGenerationSchema, readRow } from './rows.js';

export type LockedGeneration = z.infer<typeof lockedGenerationSchema>;

export interface LockedCollection {
  readonly id: number;
  /** As they are now: nobody adds one while the row is locked. */
  readonly columns: readonly FieldColumn[];
  readonly generations: readonly LockedGeneration[];
}

const COLUMNS = 'id, state, pin, next_key, chunk_count, analyzed_count, index_built';

export function lockCollectionRow(names: Names, name: string): Statement {
  return {
    text: `SELECT id, fields FROM ${names.collections} WHERE name = :b_1 FOR UPDATE`,
    binds: { b_1: text(name) },
  };
}

/** @throws RetrievalError `collection_not_found` */
export async function lockCollection(
  session: Session,
  names: Names,
  name: string,
): Promise<LockedCollection> {
  const [row] = await session.query(lockCollectionRow(names, name));
  if (row === undefined) throw noCollection(name);
  const { id, fields } = readRow(lockedFieldsSchema, row);
  const rows = await session.query({
    text: `SELECT ${COLUMNS} FROM ${names.generations} WHERE collection_id = :b_1 FOR UPDATE`,
    binds: { b_1: integer(id) },
  });
  const generations = rows.map((generation) => readRow(lockedGenerationSchema, generation));
  return { id, columns: toColumns(fields), generations };
}

/** @throws RetrievalError `collection_not_found` */
export function findLocked({ generations }: LockedCollection, ref: GenerationRef): LockedGeneration {
  const own = generations.find(({ id }) => id === ref.generation);
  if (own === undefined) throw noGeneration(ref);
  return own;
}

/** One generation's row alone. @throws RetrievalError `collection_not_found` */
export async function lockGeneration(
  session: Session,
  names: Names,
  ref: GenerationRef,
): Promise<LockedGeneration> {
  const [row] = await session.query({
    text: `SELECT ${COLUMNS} FROM ${names.generations} WHERE id = :b_1 FOR UPDATE`,
    binds: { b_1: integer(ref.generation) },
  });
  if (row === undefined) throw noGeneration(ref);
  return readRow(lockedGenerationSchema, row);
}
