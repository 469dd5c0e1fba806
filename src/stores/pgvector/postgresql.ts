/** The driver for a PostgreSQL server. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { RetrievalError } from '../../errors.js';
import { codeOf, translate } from './errors.js';
import type { Driver } from './database.js';
import { sessionSettings } from './session-settings.js';

export interface PostgresqlOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
}

/** @throws RetrievalError `store_unavailable`; `store_error` when there is no pgvector to be had */
export async function openPostgresql(options: PostgresqlOptions): Promise<Driver> {
  const connection = { connectionString: options.url, connectionTimeoutMillis: 10_000, keepAlive: true };
  await ensureExtension(connection);
  const pool = new pg.Pool({
    ...connection,
    max: options.poolSize,
    idleTimeoutMillis: 60_000,
    application_name: 'plumbline',
    // The pool waits for the promise, though its types do not say so.
    onConnect: (client): unknown => client.query(sessionSettings(options.statementTimeoutMs)),
  });
  // A connection that breaks while idle is replaced when the next one is asked for.
  pool.on('error', () => undefined);
  return {
    kind: 'postgresql',
    pool,
    async copyIn(client, target, data) {
      await pipeline(
        Readable.from(slices(data), { objectMode: false }),
        client.query(copyFrom(`copy ${target} from stdin (format binary)`)),
      );
    },
    cancel(client) {
      void cancelBackend(connection, client);
    },
    close: () => pool.end(),
  };
}

/** Connections set the extension's parameters, so it has to be there before the first of them. */
async function ensureExtension(connection: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query("select from pg_extension where extname = 'vector'");
    if (rowCount === 0) await client.query('create extension if not exists vector');
  } catch (error) {
    // undefined_file: the server has no pgvector; insufficient_privilege: this role may not add it.
    const code = codeOf(error);
    if (code === '58P01' || code === '42501' || code === '0A000') {
      throw new RetrievalError(
        'store_error',
        'The database has no pgvector extension and it cannot be added here; install pgvector on the server and run "create extension vector" as a role that may',
        { details: { sqlstate: code } },
      );
    }
    // Two processes that start together may both try; one of them has done it.
    if (code !== '23505' && code !== '42710') throw translate(error, undefined);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Ends what a connection is doing, over another one. Best effort: the statement may be over. */
async function cancelBackend(connection: pg.ClientConfig, client: pg.PoolClient): Promise<void> {
  const pid: unknown = 'processID' in client ? client.processID : undefined;
  if (typeof pid !== 'number') return;
  const other = new pg.Client(connection);
  other.on('error', () => undefined);
  try {
    await other.connect();
    await other.query('select pg_cancel_backend($1)', [pid]);
  } catch {
    // The caller is told `cancelled` either way.
  } finally {
    await other.end().catch(() => undefined);
  }
}

const SLICE = 65_536;

function* slices(data: Buffer): Generator<Buffer> {
  for (let start = 0; start < data.length; start += SLICE) yield data.subarray(start, start + SLICE);
}
