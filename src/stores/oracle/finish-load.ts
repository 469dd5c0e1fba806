/** After a load: the approximate index where it is due, and the optimizer's statistics. */
import type { CallOptions, GenerationRef } from '../port.js';
import { integer, text } from './binds.js';
import type { Located } from './catalog.js';
import type { Database } from './database.js';
import { lockGeneration } from './locks.js';
import type { Names } from './names.js';
import { createVectorIndex, tablesOf } from './tables.js';

/** Statistics are gathered when this share of the chunks has come or gone since. */
const STALE_SHARE = 0.1;
/** The index was built by a call that did not come to say so. */
const NAME_THERE = 'ORA-00955';

/**
 * Builds the index over what is loaded. The generation's row stays locked meanwhile: writers wait,
 * readers do not.
 */
export async function finishLoad(
  database: Database,
  names: Names,
  located: Located,
  ref: GenerationRef,
  options: CallOptions | undefined,
): Promise<void> {
  const { index, metric } = located.collection.generation;
  await database.guarded(async (session, definer) => {
    const held = await lockGeneration(session, names, ref);
    const chunks = held.chunk_count;
    const isDue = index.kind !== 'none' && chunks >= index.buildAfter && chunks > 0;
    const definition = createVectorIndex(located.tables.vectors, metric, index);
    const isBuilt = held.index_built || (isDue && definition !== null);
    if (isBuilt && !held.index_built && definition !== null) await definer.define(definition, [NAME_THERE]);
    const isStale = Math.abs(chunks - held.analyzed_count) > chunks * STALE_SHARE;
    if (isStale) {
      for (const table of [located.documents, located.elements, ...tablesOf(located.tables)]) {
        await definer.run({
          text: 'BEGIN DBMS_STATS.GATHER_TABLE_STATS(USER, :b_1); END;',
          binds: { b_1: text(table.toUpperCase()) },
        });
      }
    }
    await session.run({
      text: `UPDATE ${names.generations} SET index_built = :b_1, analyzed_count = :b_2 WHERE id = :b_3`,
      binds: {
        b_1: integer(isBuilt ? 1 : 0),
        b_2: integer(isStale ? chunks : held.analyzed_count),
        b_3: integer(ref.generation),
      },
    });
  }, options);
}
