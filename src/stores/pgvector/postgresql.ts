/** The driver for a PostgreSQL server. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { RetrievalError } from '../../errors.js';
import { requestCancel } from './cancel.js';
import { codeOf, translate } from './errors.js';
import type { Driver } from './database.js';
import { iamPassword } from './iam.js';
import type { Authentication } from './iam.js';
import { extensionRowSchema, readRow } from './rows.js';
import { parseServerUrl } from './server-url.js';
import type { UrlContext } from './server-url.js';
import { sessionSettings } from './session-settings.js';
import { readTls } from './tls.js';
import { vectorFeatures } from './versions.js';
import type { VectorFeatures } from './versions.js';

export interface ServerOptions {
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
  /** File with the certificates to trust, where the URL names none. */
  readonly caFile?: string | null;
  readonly authentication?: Authentication;
}

export interface PostgresqlOptions extends ServerOptions {
  readonly url: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A reader has to answer sooner: the writer could have instead. */
const READER_CONNECT_TIMEOUT_MS = 3000;
/** What a reader's answer may take beyond the server's own limit: a server that is gone keeps none. */
const READER_GRACE_MS = 5000;
/** How soon a connection without a word is asked whether its other end is still there. */
const KEEP_ALIVE_MS = 10_000;

/** @throws RetrievalError `store_unavailable`, `invalid_config`; `store_error` when there is no pgvector to be had */
export async function openPostgresql(options: PostgresqlOptions): Promise<Driver> {
  const connection = await connectionOf(options.url, options, 'PLUMBLINE_STORE_URL');
  return openPool(connection, options, vectorFeatures(await ensureExtension(connection)));
}

/**
 * A driver for replicas of that server. Connects when it is first used: a reader that is down does
 * not keep Plumbline from starting.
 * @throws RetrievalError `invalid_config`
 */
export async function openPostgresqlReader(
  options: PostgresqlOptions,
  features: VectorFeatures,
): Promise<Driver> {
  const connection = {
    ...(await connectionOf(options.url, options, 'PLUMBLINE_STORE_READER_URL')),
    connectionTimeoutMillis: READER_CONNECT_TIMEOUT_MS,
    query_timeout: options.statementTimeoutMs + READER_GRACE_MS,
  };
  return openPool(connection, options, features);
}

function openPool(connection: pg.ClientConfig, options: ServerOptions, features: VectorFeatures): Driver {
  const pool = new pg.Pool({
    ...connection,
    max: options.poolSize,
    idleTimeoutMillis: 60_000,
    // The pool waits for the promise, though its types do not say so.
    onConnect: (client): unknown => client.query(sessionSettings(options.statementTimeoutMs, features)),
  });
  // A connection that breaks while idle is replaced when the next one is asked for.
  pool.on('error', () => undefined);
  // One that breaks in use says so to its statement, and again as an event that would end the process unheard.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    kind: 'postgresql',
    features,
    pool,
    async copyIn(client, target, data) {
      await pipeline(
        Readable.from(slices(data), { objectMode: false }),
        client.query(copyFrom(`copy ${target} from stdin (format binary)`)),
      );
    },
    cancel(client) {
      requestCancel(client, connection);
    },
    close: () => pool.end(),
  };
}

/** How to connect to that server. @throws RetrievalError `invalid_config` */
export async function connectionOf(
  url: string,
  options: ServerOptions,
  setting: UrlContext['setting'],
): Promise<pg.ClientConfig> {
  const authentication = options.authentication ?? { kind: 'password' };
  const place = parseServerUrl(url, {
    setting,
    caFile: options.caFile ?? null,
    needsTls: authentication.kind === 'iam',
  });
  const ssl = await readTls(place.tls);
  return {
    ...place.client,
    ...(ssl === undefined ? {} : { ssl }),
    ...(authentication.kind === 'iam'
      ? { password: await iamPassword(place.client, authentication, setting) }
      : {}),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

/**
 * Connections set the extension's parameters, so it has to be there before the first of them.
 * @returns its version
 */
async function ensureExtension(connection: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
    const known = await findExtension(client);
    if (known !== undefined) return known;
    await client.query('create extension if not exists vector').catch((error: unknown) => {
      // Two processes that start together may both try; one of them has done it.
      const code = codeOf(error);
      if (code !== '23505' && code !== '42710') throw error;
    });
    const made = await findExtension(client);
    if (made !== undefined) return made;
    throw new RetrievalError('store_error', 'The pgvector extension was added and is gone again');
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
    throw translate(error, undefined);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function findExtension(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<Record<string, unknown>>(
    "select extversion from pg_extension where extname = 'vector'",
  );
  return rows[0] === undefined ? undefined : readRow(extensionRowSchema, rows[0]).extversion;
}

const SLICE = 65_536;

function* slices(data: Buffer): Generator<Buffer> {
  for (let start = 0; start < data.length; start += SLICE) yield data.subarray(start, start + SLICE);
}
