import type { z } from 'zod';
import type { GenerationRef } from '../port.js';
import { integer } from './binds.js';
import { noGeneration } from '../refusals.js';
import type { Session } from './database.js';
import type { Names } from './names.js';
import { lockedGenerationSchema, readRow } from './rows.js';

/** The generation's row, locked: writers of one generation take turns. */
export async function lockGeneration(
  session: Session,
  names: Names,
  ref: GenerationRef,
): Promise<z.infer<typeof lockedGenerationSchema>> {
  const [row] = await session.query({
    text: `SELECT pin, next_key, chunk_count, analyzed_count, index_built FROM ${names.generations}
      WHERE id = :b_1 FOR UPDATE`,
    binds: { b_1: integer(ref.generation) },
  });
  if (row === undefined) throw noGeneration(ref);
  return readRow(lockedGenerationSchema, row);
}
