/** The driver's own connections, whose last step goes to the double instead of the network. */
import oracledb from 'oracledb';
import type { Driver } from '../../../src/stores/oracle/database.js';
import { Connection, ResultSetBase, StatementCache, ThinConnection } from './driver-internals.js';
import type { ColumnMetadata, ExecuteOptions, ExecuteResult, ParsedStatement } from './driver-internals.js';
import type { DoubleServer, ServerSession } from './server.js';

const STATEMENT_CACHE = 30;

/** PostgreSQL's types as Oracle's columns have them. */
const COLUMN_TYPES = new Map<number, oracledb.DbType>([
  [20, oracledb.DB_TYPE_NUMBER],
  [23, oracledb.DB_TYPE_NUMBER],
  [1700, oracledb.DB_TYPE_NUMBER],
  [701, oracledb.DB_TYPE_BINARY_DOUBLE],
  [25, oracledb.DB_TYPE_CLOB],
  [1043, oracledb.DB_TYPE_VARCHAR],
  [1184, oracledb.DB_TYPE_TIMESTAMP_TZ],
]);

class DoubleConnection extends ThinConnection {
  readonly #server: DoubleServer;
  readonly #session: ServerSession;
  #callTimeout = 0;

  readonly #free: DoubleConnection[];

  /** @param free where it goes when it is closed, for its next user */
  constructor(server: DoubleServer, free: DoubleConnection[]) {
    super();
    this.#server = server;
    this.#free = free;
    this.#session = server.openSession();
    this.statementCache = new StatementCache(STATEMENT_CACHE);
  }

  async _execute(
    statement: ParsedStatement,
    iterations: number,
    binds: readonly unknown[],
    options: ExecuteOptions,
    isMany: boolean,
  ): Promise<ExecuteResult> {
    // Everything but sending it: the driver's checks of the binds are in here.
    await this._getExecuteMessage(statement, iterations, binds, options, isMany);
    const { fields, rows, affectedRows } = await this.#session.execute(statement, iterations);
    if (options.autoCommit === true) await this.#session.commit();
    this._returnStatement(statement);
    if (!statement.isQuery) return { rowsAffected: affectedRows ?? 0 };
    const columns = fields.map(({ name, dataTypeID }): ColumnMetadata => {
      const dbType =
        dataTypeID === this.#server.vectorType ? oracledb.DB_TYPE_VECTOR : COLUMN_TYPES.get(dataTypeID);
      if (dbType === undefined) throw new Error(`The double reads no column of type ${String(dataTypeID)}`);
      return { name: name.toUpperCase(), dbType, nullable: true };
    });
    const resultSet = new DoubleResultSet(
      rows.map((row) => row.map((value, at) => fromPostgresql(value, columns[at]))),
    );
    resultSet._setup(options, columns);
    return { resultSet };
  }

  commit(): Promise<void> {
    return this.#session.commit();
  }

  rollback(): Promise<void> {
    return this.#session.rollback();
  }

  async close(): Promise<void> {
    await this.#session.rollback();
    this.#free.push(this);
  }

  breakExecution(): Promise<void> {
    this.#session.interrupt();
    return Promise.resolve();
  }

  getCallTimeout(): number {
    return this.#callTimeout;
  }

  setCallTimeout(milliseconds: number): void {
    this.#callTimeout = milliseconds;
  }
}

class DoubleResultSet extends ResultSetBase {
  readonly #rows: unknown[][];

  constructor(rows: unknown[][]) {
    super();
    this.#rows = rows;
  }

  getRows(count: number): Promise<unknown[][]> {
    return Promise.resolve(this.#rows.splice(0, count));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** As a thin connection hands values on: numbers as text, vectors as arrays. */
function fromPostgresql(value: unknown, column: ColumnMetadata | undefined): unknown {
  if (typeof value === 'number' && column?.dbType === oracledb.DB_TYPE_NUMBER) return String(value);
  if (typeof value === 'string' && column?.dbType === oracledb.DB_TYPE_VECTOR) {
    return Float32Array.from(JSON.parse(value) as readonly number[]);
  }
  return value;
}

/** The store's driver over the double. */
export function doubleDriver(server: DoubleServer): Driver {
  const free: DoubleConnection[] = [];
  const open = (): Promise<oracledb.Connection> =>
    Promise.resolve(
      Object.assign(new Connection(), { _impl: free.pop() ?? new DoubleConnection(server, free) }),
    );
  return { acquire: open, connect: open, callTimeoutMs: 60_000, close: () => Promise.resolve() };
}
