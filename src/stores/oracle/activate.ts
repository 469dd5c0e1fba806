/** Making a generation the active one. */
import type { CallOptions, GenerationRef } from '../port.js';
import { cannotActivate } from '../refusals.js';
import { integer, text } from './binds.js';
import type { Located } from './catalog.js';
import type { Database, Session } from './database.js';
import { findLocked, lockCollection } from './locks.js';
import { missingSql } from './missing.js';
import type { Names } from './names.js';
import { countsRowSchema, readRow } from './rows.js';

/** In one transaction: a reader gets the one or the other. Writers wait, so nothing goes missing meanwhile. */
export async function activate(
  database: Database,
  names: Names,
  located: Located,
  ref: GenerationRef,
  from: number,
  options: CallOptions | undefined,
): Promise<void> {
  let isTried = false;
  await database.transaction(async (session) => {
    const locked = await lockCollection(session, names, ref.collection);
    const own = findLocked(locked, ref);
    // Made by a commit whose answer was lost.
    if (isTried && own.state === 'active') return;
    const active = locked.generations.find(({ state }) => state === 'active')?.id ?? 0;
    const missing = await countMissing(session, located);
    if (active !== from || active === ref.generation || missing > 0) {
      throw cannotActivate(ref, { active, missing });
    }
    // In this order: only one may be active at any moment.
    await setState(session, names, from, 'retired');
    await setState(session, names, ref.generation, 'active');
    await countChunks(session, located);
    isTried = true;
  }, options);
}

async function countMissing(session: Session, located: Located): Promise<number> {
  const [row] = await session.query({
    text: `SELECT COUNT(*) AS missing FROM ${located.documents} d WHERE ${missingSql(located)}`,
  });
  return readRow(countsRowSchema.pick({ missing: true }), row).missing;
}

async function setState(
  session: Session,
  names: Names,
  id: number,
  state: 'active' | 'retired',
): Promise<void> {
  await session.run({
    text: `UPDATE ${names.generations} SET state = :b_1, changed_at = SYSTIMESTAMP WHERE id = :b_2`,
    binds: { b_1: text(state), b_2: integer(id) },
  });
}

/** A document says how many chunks it has in the active generation. */
async function countChunks(session: Session, { documents, tables }: Located): Promise<void> {
  const chunks = `(SELECT COUNT(*) FROM ${tables.chunks} c WHERE c.document_id = d.document_id)`;
  await session.run({
    text: `UPDATE ${documents} d SET chunk_count = ${chunks} WHERE d.chunk_count <> ${chunks}`,
  });
}
