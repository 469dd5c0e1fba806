/** One way to run SQL over node-oracledb, and the store's one retry layer. */
import { setTimeout as delay } from 'node:timers/promises';
import oracledb from 'oracledb';
import { RetrievalError, cancelled, throwIfCancelled } from '../../errors.js';
import type { CallOptions } from '../port.js';
import { definitionOf, slices } from './binds.js';
import type { Bind, LoadType, LoadValue } from './binds.js';
import { codeOf, isConnectionLost, isTransient, translate } from './errors.js';

/** Keys are the columns' names in lower case. */
export type Row = Readonly<Record<string, unknown>>;

export interface Statement {
  readonly text: string;
  readonly binds?: Readonly<Record<string, Bind>>;
}

/** Where connections come from. */
export interface Driver {
  /** One of the pool; closing it gives it back. */
  readonly acquire: () => Promise<oracledb.Connection>;
  /** One beside the pool, for definitions, whose commits would end another's transaction. */
  readonly connect: () => Promise<oracledb.Connection>;
  /** Longest a statement of a query may take, in milliseconds. */
  readonly callTimeoutMs: number;
  close(): Promise<void>;
}

export interface Session {
  query(statement: Statement): Promise<readonly Row[]>;
  /** @returns how many rows it changed */
  run(statement: Statement): Promise<number>;
  /** Inserts rows. `columns` in the order of the rows' values, CLOBs last. */
  load(
    table: string,
    columns: readonly (readonly [name: string, type: LoadType])[],
    rows: readonly (readonly LoadValue[])[],
  ): Promise<void>;
}

export interface Definer {
  /** Runs a definition, and commits. True, or false when `passed` names the error it met. */
  define(text: string, passed?: readonly string[]): Promise<boolean>;
  /** Changes rows, and commits. */
  run(statement: Statement): Promise<number>;
}

export interface Database {
  query(statement: Statement, options?: CallOptions): Promise<readonly Row[]>;
  /**
   * Runs `work` in one transaction; again from the start when the connection was at fault. Rows that
   * it locks are locked before it changes any, which keeps writers from waiting for each other.
   */
  transaction<T>(work: (session: Session) => Promise<T>, options?: CallOptions): Promise<T>;
  /** Runs definitions; again from the start when the connection was at fault. */
  definitions<T>(work: (definer: Definer) => Promise<T>, options?: CallOptions): Promise<T>;
  /**
   * A transaction whose locks outlast definitions: they run on a connection of their own, for each
   * of them commits.
   */
  guarded<T>(work: (session: Session, definer: Definer) => Promise<T>, options?: CallOptions): Promise<T>;
  close(): Promise<void>;
}

const MAX_ATTEMPTS = 4;
const FIRST_DELAY_MS = 50;
/** Rows of one round trip. */
const LOAD_ROWS = 5000;

export function createDatabase(driver: Driver): Database {
  /** One connection for `work`, given back whole or not at all. */
  const withConnection = async <T>(
    open: () => Promise<oracledb.Connection>,
    callTimeoutMs: number,
    options: CallOptions,
    work: (connection: oracledb.Connection) => Promise<T>,
  ): Promise<T> => {
    const { signal } = options;
    throwIfCancelled(signal);
    const connection = await open();
    const onAbort = (): void => {
      connection.break().catch(() => undefined);
    };
    let isBroken = false;
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted === true) throw cancelled(signal.reason);
      connection.callTimeout = callTimeoutMs;
      return await work(connection);
    } catch (error) {
      isBroken = isConnectionLost(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      // A break that came late would hit what the next user of the connection asks.
      const drop = isBroken || signal?.aborted === true;
      await connection.close({ drop }).catch(() => undefined);
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

  const inTransaction = <T>(
    options: CallOptions,
    work: (connection: oracledb.Connection) => Promise<T>,
  ): Promise<T> =>
    // Writers wait for each other as long as it takes.
    withConnection(driver.acquire, 0, options, async (connection) => {
      try {
        const answer = await work(connection);
        throwIfCancelled(options.signal);
        await connection.commit();
        return answer;
      } catch (error) {
        await connection.rollback().catch(() => undefined);
        throw error;
      }
    });

  const withDefiner = <T>(options: CallOptions, work: (definer: Definer) => Promise<T>): Promise<T> =>
    withConnection(driver.connect, 0, options, (connection) => work(definerOf(connection)));

  return {
    query: (statement, options = {}) =>
      retried(
        () =>
          withConnection(driver.acquire, driver.callTimeoutMs, options, (connection) =>
            query(connection, statement),
          ),
        options,
      ),
    transaction: (work, options = {}) =>
      retried(() => inTransaction(options, (connection) => work(sessionOf(connection))), options),
    definitions: (work, options = {}) => retried(() => withDefiner(options, work), options),
    guarded: (work, options = {}) =>
      retried(
        () =>
          inTransaction(options, (connection) =>
            withDefiner(options, (definer) => work(sessionOf(connection), definer)),
          ),
        options,
      ),
    close: () => driver.close(),
  };
}

function sessionOf(connection: oracledb.Connection): Session {
  return {
    query: (statement) => query(connection, statement),
    run: (statement) => run(connection, statement, false),
    async load(table, columns, rows) {
      const names = columns.map(([name]) => name).join(', ');
      const places = columns.map((_, index) => `:b_${String(index + 1)}`).join(', ');
      for (const part of slices(rows, LOAD_ROWS)) {
        const bindDefs = columns.map(([, type], index) =>
          definitionOf(
            type,
            part.map((row) => row[index] ?? null),
          ),
        );
        await connection.executeMany(
          `INSERT INTO ${table} (${names}) VALUES (${places})`,
          part.map((row) => [...row]),
          { bindDefs },
        );
      }
    },
  };
}

function definerOf(connection: oracledb.Connection): Definer {
  return {
    async define(text, passed = []) {
      try {
        await connection.execute(text);
        return true;
      } catch (error) {
        if (passed.includes(codeOf(error) ?? '')) return false;
        throw error;
      }
    },
    run: (statement) => run(connection, statement, true),
  };
}

async function query(connection: oracledb.Connection, statement: Statement): Promise<readonly Row[]> {
  const { rows, metaData } = await connection.execute<readonly unknown[]>(
    statement.text,
    { ...statement.binds },
    { outFormat: oracledb.OUT_FORMAT_ARRAY, fetchTypeHandler, fetchArraySize: 1000, prefetchRows: 1000 },
  );
  if (rows === undefined || metaData === undefined) {
    throw new RetrievalError('store_invalid_response', 'A query gave no rows');
  }
  const names = metaData.map(({ name }) => name.toLowerCase());
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
}

async function run(
  connection: oracledb.Connection,
  statement: Statement,
  autoCommit: boolean,
): Promise<number> {
  const { rowsAffected } = await connection.execute(statement.text, { ...statement.binds }, { autoCommit });
  return rowsAffected ?? 0;
}

/** Texts whole, and not as streams that have to be read. */
function fetchTypeHandler(column: oracledb.Metadata<unknown>): oracledb.FetchTypeResponse | undefined {
  return column.dbType === oracledb.DB_TYPE_CLOB ? { type: oracledb.DB_TYPE_VARCHAR } : undefined;
}
