/** Connections to look into a database by, before and beside any store: nothing is made or migrated. */
import pg from 'pg';
import type { CallOptions } from '../port.js';
import type { Probe } from '../inspection.js';
import { translate } from './errors.js';
import { inspectPostgres, tryPermissions } from './inspect.js';
import type { RunSql } from './inspect.js';
import { connectionOf } from './postgresql.js';
import type { PostgresqlOptions } from './postgresql.js';

/** @throws RetrievalError `store_unavailable`, `invalid_config` */
export async function openPostgresProbe(options: PostgresqlOptions): Promise<Probe> {
  const client = new pg.Client({
    ...(await connectionOf(options.url, options, 'PLUMBLINE_STORE_URL')),
    query_timeout: options.statementTimeoutMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw translate(error, undefined);
  }
  return probeOver('postgresql', client, () => client.end());
}

/**
 * The folder's database. It is locked meanwhile.
 * @throws RetrievalError `data_folder_in_use`
 */
export async function openPgliteProbe(folder: string, statementTimeoutMs: number): Promise<Probe> {
  const { openPglite } = await import('./pglite.js');
  const driver = await openPglite({ folder, statementTimeoutMs });
  const client = await driver.pool.connect();
  return probeOver('pglite', client, async () => {
    client.release();
    await driver.close();
  });
}

function probeOver(
  kind: 'postgresql' | 'pglite',
  client: Pick<pg.ClientBase, 'query'>,
  close: () => Promise<void>,
): Probe {
  const run: RunSql = async (text, values = []) =>
    (await client.query<Readonly<Record<string, unknown>>>(text, [...values])).rows;
  const translated = async <T>(work: Promise<T>, options?: CallOptions): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw translate(error, options?.signal);
    }
  };
  return {
    inspect: (options) => translated(inspectPostgres(kind, run), options),
    permissions: (scratch, options) => translated(tryPermissions(run, scratch), options),
    close,
  };
}
