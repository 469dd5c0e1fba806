/**
 * Reading from replicas. A replica is behind the writer, by how much nobody promises: so a
 * connection is used for a generation only once its server shows all the writes that this process
 * knows of. Anything else is answered by the writer.
 */
import type pg from 'pg';
import { z } from 'zod';
import { RetrievalError, hasCode } from '../../errors.js';
import type { Located } from './catalog.js';
import { createDatabase } from './database.js';
import type { Database, Driver } from './database.js';
import { includes } from './progress.js';
import type { Version } from './progress.js';
import { readRow } from './rows.js';

export interface Reader {
  /** Runs `work`, which only reads, on a replica that knows `version`, or else on the writer. */
  run<T>(
    located: Located,
    version: Version | undefined,
    work: (database: Database) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

/** How long a reader that could not be reached is left alone. */
const PAUSE_MS = 5000;

/** The replica has not come as far as the writer. */
class ReaderBehindError extends Error {}

const stateSchema = z.object({
  name: z.string(),
  created_at: z.date(),
  next_key: z.number(),
  chunks: z.number(),
});

/** @param now milliseconds of a clock that only goes forward */
export function createReader(
  driver: Driver,
  writer: Database,
  now: () => number = () => performance.now(),
): Reader {
  // The writer is asked rather than a replica again.
  const replicas = createDatabase(driver, { attempts: 1 });
  // A connection stays with its server, and a server never goes back: what it knew once, it knows.
  const seen = new WeakMap<pg.PoolClient, Map<number, Version>>();
  let pausedUntil = -Infinity;

  const admit = async (client: pg.PoolClient, { collection }: Located, needed: Version): Promise<void> => {
    const generation = collection.generation.id;
    const before = seen.get(client) ?? new Map<number, Version>();
    const last = before.get(generation);
    if (last !== undefined && includes(last, needed)) return;
    const { rows } = await client.query<Record<string, unknown>>({
      name: 'reader_state',
      text: `select c.name, c.created_at, g.next_key::float8 as next_key, g.chunk_count::float8 as chunks
        from plumbline.generations g join plumbline.collections c on c.id = g.collection_id where g.id = $1`,
      values: [generation],
    });
    if (rows[0] === undefined) throw new ReaderBehindError();
    const state = readRow(stateSchema, rows[0]);
    const found = { nextKey: state.next_key, chunks: state.chunks };
    // Another database may have a generation of that number, too.
    const isSame = state.name === collection.name && state.created_at.toISOString() === collection.createdAt;
    if (!isSame || !includes(found, needed)) throw new ReaderBehindError();
    seen.set(client, before.set(generation, found));
  };

  return {
    async run(located, version, work) {
      if (version === undefined || now() < pausedUntil) return work(writer);
      try {
        return await work(replicas.admitting((client) => admit(client, located, version)));
      } catch (error) {
        if (!isReadersFault(error)) throw error;
        if (hasCode(error, 'store_unavailable')) pausedUntil = now() + PAUSE_MS;
        return work(writer);
      }
    },
    close: () => replicas.close(),
  };
}

/**
 * What the writer may well answer: a server that is down or behind, a table or a column that has
 * not arrived, a statement ended because it was in the way of what is arriving. Not: what the
 * caller did wrong, gave up, or what took too long (the writer would have to do it again).
 */
function isReadersFault(error: unknown): boolean {
  if (!(error instanceof RetrievalError)) return false;
  switch (error.code) {
    case 'store_unavailable':
    case 'store_error':
    case 'store_invalid_response':
    case 'collection_not_found':
      return true;
    default:
      return false;
  }
}
