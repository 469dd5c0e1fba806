/** Making a generation beside those there are. */
import type { GenerationSpec } from '../generations-port.js';
import type { CallOptions } from '../port.js';
import { generationInProgress } from '../refusals.js';
import type { Database, Definer, Session } from './database.js';
import { dropTables, forgetTables, noteTables } from './garbage.js';
import { lockCollection } from './locks.js';
import type { Names } from './names.js';
import { insertGeneration, nextId } from './new-generation.js';
import { createGenerationTables, tablesOf } from './tables.js';

/**
 * The tables first, under a number that nobody knows yet, then the row. The collection is locked
 * all the while, so no field is added that the tables would lack. A crash between leaves tables
 * that are noted.
 * @returns the generation's id
 */
export async function createGeneration(
  database: Database,
  names: Names,
  name: string,
  spec: GenerationSpec,
  options: CallOptions | undefined,
): Promise<number> {
  const tries: Tries = { open: new Set(), ended: new Set() };
  try {
    return await database.guarded(
      (session, definer) => makeGeneration(session, definer, names, name, spec, tries),
      options,
    );
  } catch (error) {
    // What cannot be dropped now is noted, and dropped later.
    const tables = [...tries.open].flatMap((id) => tablesOf(names.generation(id)));
    await database.definitions((definer) => dropTables(definer, names, tables)).catch(() => undefined);
    throw error;
  }
}

/** Numbers, one for each try: tables of an earlier one may lack a field, or be in the making still. */
interface Tries {
  /** They cannot have been committed. */
  readonly open: Set<number>;
  /** They may have been. */
  readonly ended: Set<number>;
}

async function makeGeneration(
  session: Session,
  definer: Definer,
  names: Names,
  name: string,
  spec: GenerationSpec,
  tries: Tries,
): Promise<number> {
  const { id: collectionId, columns, generations } = await lockCollection(session, names, name);
  const building = generations.find(({ state }) => state === 'building');
  if (building !== undefined) {
    // Made by a commit whose answer was lost.
    if (tries.ended.has(building.id)) return building.id;
    throw generationInProgress(name, building.id);
  }
  const id = await nextId(session, names);
  tries.open.add(id);
  const own = names.generation(id);
  const tables = tablesOf(own);
  await noteTables(definer, names, tables);
  for (const definition of createGenerationTables(own, spec.pin.dimensions, columns)) {
    await definer.define(definition);
  }
  await insertGeneration(session, names, spec, { id, collectionId, state: 'building' });
  await forgetTables(session, names, tables);
  tries.open.delete(id);
  tries.ended.add(id);
  return id;
}
