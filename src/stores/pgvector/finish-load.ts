/** After a load: the approximate index where it is due, merged postings, and the planner's statistics. */
import type { GenerationRef } from '../port.js';
import type { Located } from './catalog.js';
import type { Database, RunOptions } from './database.js';
import { mergeSegments } from './merge-segments.js';
import { extensionRowSchema, readRow } from './rows.js';
import { createVectorIndex, tablesOf } from './tables.js';
import { vectorFeatures } from './versions.js';
import { lockGeneration } from './write-documents.js';

/** Statistics are refreshed when this share of the chunks has come or gone since. */
const STALE_SHARE = 0.1;

/**
 * Builds the index over what is loaded, which is many times faster than loading into it. Writers
 * wait meanwhile, readers do not.
 */
export async function finishLoad(
  database: Database,
  located: Located,
  ref: GenerationRef,
  options: RunOptions | undefined,
): Promise<void> {
  const { index, metric, pin } = located.collection.generation;
  const { dimensions } = pin;
  const merged = await database.transaction(async (session) => {
    const { nextKey } = await lockGeneration(session, ref);
    const [row] = await session.query({
      text: `select chunk_count::float8 as chunks, analyzed_count::float8 as analyzed, index_built
        from plumbline.generations where id = $1`,
      values: [ref.generation],
    });
    const chunks = Number(row?.['chunks'] ?? 0);
    const due = index.kind !== 'none' && chunks >= index.buildAfter && chunks > 0;
    if (due && row?.['index_built'] === false) {
      const [extension] = await session.query({
        text: "select extversion from pg_extension where extname = 'vector'",
      });
      // Asked anew: the extension may have been updated since the start.
      const { parallelBuild } = vectorFeatures(readRow(extensionRowSchema, extension).extversion);
      await session.query({
        text: `set local max_parallel_maintenance_workers = ${parallelBuild ? '2' : '0'}`,
      });
      await session.query({ text: "set local maintenance_work_mem = '512MB'" });
      const text = createVectorIndex(located.tables.vectors, metric, index, { rows: chunks, dimensions });
      if (text !== null) await session.query({ text });
      await session.query({
        text: 'update plumbline.generations set index_built = true where id = $1',
        values: [ref.generation],
      });
    }
    const hasMerged = await mergeSegments(session, located.tables, nextKey);
    if (Math.abs(chunks - Number(row?.['analyzed'] ?? 0)) > chunks * STALE_SHARE) {
      for (const table of [located.documents, ...tablesOf(located.tables)]) {
        await session.query({ text: `analyze ${table}` });
      }
      await session.query({
        text: 'update plumbline.generations set analyzed_count = chunk_count where id = $1',
        values: [ref.generation],
      });
    }
    return hasMerged;
  }, options);
  // A server does this by itself; PGlite has no process for it, and its folder would grow.
  if (merged && database.kind === 'pglite') {
    await database.query({ text: `vacuum ${located.tables.postings}` }, options);
  }
}
