/**
 * One way to run SQL, over a pool of `pg`: the same for a real server and for the embedded
 * PGlite. This is also the store's one retry layer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { cancelled, throwIfCancelled } from '../../errors.js';
import type { CallOptions } from '../port.js';
import { isTransient, translate } from './errors.js';

export type Row = Readonly<Record<string, unknown>>;

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Prepared once a connection under this name. */
  readonly name?: string;
}

/** What a pool cannot say by itself. */
export interface Driver {
  readonly kind: 'pglite' | 'postgresql';
  readonly pool: pg.Pool;
  /** Loads rows in PostgreSQL's binary COPY format, on that connection. */
  copyIn(client: pg.PoolClient, target: string, data: Buffer): Promise<void>;
  /** Asks the server to end what that connection is doing; nothing where that cannot be. */
  cancel(client: pg.PoolClient): void;
  /** Session settings are made when a connection is new. */
  close(): Promise<void>;
}

export interface Session {
  query(statement: Statement): Promise<readonly Row[]>;
  copyIn(target: string, data: Buffer): Promise<void>;
}

export interface Database {
  readonly kind: Driver['kind'];
  query(statement: Statement, options?: CallOptions): Promise<readonly Row[]>;
  /** Runs `work` in one transaction; again from the start when the connection was at fault. */
  transaction<T>(work: (session: Session) => Promise<T>, options?: CallOptions): Promise<T>;
  close(): Promise<void>;
}

const MAX_ATTEMPTS = 4;
const FIRST_DELAY_MS = 50;

export function createDatabase(driver: Driver): Database {
  const { pool } = driver;

  /** One connection for `work`, given back whole or not at all. */
  const withClient = async <T>(
    work: (client: pg.PoolClient) => Promise<T>,
    options: CallOptions,
  ): Promise<T> => {
    const { signal } = options;
    throwIfCancelled(signal);
    const client = await pool.connect();
    let broken: Error | undefined;
    const onAbort = (): void => {
      driver.cancel(client);
      // The cancellation may come late and would end whatever the connection does next: nobody gets it again.
      if (driver.kind === 'postgresql') broken = new Error('cancelled');
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted === true) throw cancelled(signal.reason);
      return await work(client);
    } catch (error) {
      if (driver.kind === 'postgresql' && isTransient(error)) broken = new Error('connection lost');
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      client.release(broken);
    }
  };

  const retried = async <T>(run: () => Promise<T>, options: CallOptions): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        const isLast = attempt >= MAX_ATTEMPTS || options.signal?.aborted === true;
        if (isLast || !isTransient(error)) throw translate(error, options.signal);
        await delay(FIRST_DELAY_MS * 2 ** (attempt - 1));
      }
    }
  };

  return {
    kind: driver.kind,
    query: (statement, options = {}) =>
      retried(() => withClient((client) => runStatement(client, statement), options), options),

    transaction: (work, options = {}) =>
      retried(
        () =>
          withClient(async (client) => {
            await client.query('begin');
            try {
              const answer = await work({
                query: (statement) => runStatement(client, statement),
                copyIn: (target, data) => driver.copyIn(client, target, data),
              });
              throwIfCancelled(options.signal);
              await client.query('commit');
              return answer;
            } catch (error) {
              await client.query('rollback').catch(() => undefined);
              throw error;
            }
          }, options),
        options,
      ),

    close: () => driver.close(),
  };
}

async function runStatement(client: pg.PoolClient, statement: Statement): Promise<readonly Row[]> {
  const result = await client.query({
    text: statement.text,
    values: [...(statement.values ?? [])],
    ...(statement.name === undefined ? {} : { name: statement.name }),
  });
  return result.rows as readonly Row[];
}
