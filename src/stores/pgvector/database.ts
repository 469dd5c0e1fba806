/**
 * One way to run SQL, over a pool of `pg`: the same for a real server and for the embedded
 * PGlite. This is also the store's one retry layer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { cancelled, throwIfCancelled } from '../../errors.js';
import type { CallOptions } from '../port.js';
import { createConnections } from './connections.js';
import { isLost, isTransient, translate } from './errors.js';
import type { VectorFeatures } from './versions.js';

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
  /** Of the extension, as it was when the driver was opened. */
  readonly features: VectorFeatures;
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

export interface RunOptions extends CallOptions {
  /** Waits for a server that is gone to come back, as a write should that others wait behind. */
  readonly patient?: boolean;
}

/** Looks at a connection before it is used; throws where it will not do. */
export type Admit = (client: pg.PoolClient) => Promise<void>;

export interface Database {
  readonly kind: Driver['kind'];
  readonly features: VectorFeatures;
  query(statement: Statement, options?: RunOptions): Promise<readonly Row[]>;
  /** Runs `work` in one transaction; again from the start when the connection was at fault. */
  transaction<T>(work: (session: Session) => Promise<T>, options?: RunOptions): Promise<T>;
  /** The same, over connections that pass. */
  admitting(admit: Admit): Database;
  close(): Promise<void>;
}

export interface DatabaseSettings {
  /** How often a call is tried that met a lost connection or a conflict. */
  readonly attempts?: number;
  /** How long a patient call goes on trying to reach the server, in milliseconds. */
  readonly patienceMs?: number;
}

const MAX_ATTEMPTS = 4;
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 1000;

export function createDatabase(driver: Driver, settings: DatabaseSettings = {}): Database {
  const { pool } = driver;
  const { attempts = MAX_ATTEMPTS, patienceMs = 0 } = settings;
  const connections = createConnections(pool);

  const over = (admit: Admit | null): Database => {
    /** One connection for `work`, given back whole or not at all. */
    const withClient = async <T>(
      work: (client: pg.PoolClient) => Promise<T>,
      options: RunOptions,
    ): Promise<T> => {
      const { signal } = options;
      throwIfCancelled(signal);
      const client = await connections.take();
      let broken: Error | undefined;
      const onAbort = (): void => {
        driver.cancel(client);
        // The cancellation may come late and would end whatever the connection does next: nobody gets it again.
        if (driver.kind === 'postgresql') broken = new Error('cancelled');
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        if (signal?.aborted === true) throw cancelled(signal.reason);
        await admit?.(client);
        return await work(client);
      } catch (error) {
        if (driver.kind === 'postgresql' && isTransient(error)) {
          broken = new Error('connection lost');
          if (isLost(error)) connections.lose(client);
        }
        throw error;
      } finally {
        signal?.removeEventListener('abort', onAbort);
        client.release(broken);
      }
    };

    const retried = async <T>(run: () => Promise<T>, options: RunOptions): Promise<T> => {
      const { signal } = options;
      const deadline = options.patient === true ? performance.now() + patienceMs : -Infinity;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await run();
        } catch (error) {
          const pause = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
          const mayWait = isLost(error) && performance.now() + pause < deadline;
          const isLast = (attempt >= attempts && !mayWait) || signal?.aborted === true;
          if (isLast || !isTransient(error)) throw translate(error, signal);
          await delay(pause, undefined, signal === undefined ? {} : { signal }).catch((reason: unknown) => {
            throw cancelled(reason);
          });
        }
      }
    };

    return {
      kind: driver.kind,
      features: driver.features,
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

      admitting: over,
      close: () => driver.close(),
    };
  };
  return over(null);
}

async function runStatement(client: pg.PoolClient, statement: Statement): Promise<readonly Row[]> {
  const result = await client.query({
    text: statement.text,
    values: [...(statement.values ?? [])],
    ...(statement.name === undefined ? {} : { name: statement.name }),
  });
  return result.rows as readonly Row[];
}
