/** The parts of node-oracledb that are not its interface, and that the double stands in for. */
import { createRequire } from 'node:module';
import type oracledb from 'oracledb';

/** A bind as the driver has checked and sized it. */
export interface BoundVariable {
  readonly name?: string;
  readonly type: oracledb.DbType;
  readonly values: readonly unknown[];
}

/** A statement as the driver has parsed it, with a variable for each place. */
export interface ParsedStatement {
  readonly sql: string;
  readonly isQuery: boolean;
  readonly isDdl: boolean;
  readonly isDml: boolean;
  readonly isPlSql: boolean;
  readonly bindInfoList: readonly { readonly bindName: string; readonly bindVar: BoundVariable }[];
}

export interface ExecuteOptions {
  readonly autoCommit?: boolean;
  readonly connection: oracledb.Connection;
}

export interface ColumnMetadata {
  readonly name: string;
  readonly dbType: oracledb.DbType;
  readonly nullable: boolean;
}

export interface ResultSetInternals {
  _setup(options: ExecuteOptions, metaData: readonly ColumnMetadata[]): void;
}

export interface ExecuteResult {
  readonly resultSet?: ResultSetInternals;
  readonly rowsAffected?: number;
}

/** The private implementation behind a thin connection. */
export interface ConnectionInternals {
  statementCache: unknown;
  /** Checks and sets the binds, and makes the message that would be sent. */
  _getExecuteMessage(
    statement: ParsedStatement,
    iterations: number,
    binds: readonly unknown[],
    options: ExecuteOptions,
    isMany: boolean,
  ): Promise<unknown>;
  _returnStatement(statement: ParsedStatement): void;
}

const require = createRequire(import.meta.url);

export const ThinConnection = require('oracledb/lib/thin/connection.js') as new () => ConnectionInternals;
export const ResultSetBase = require('oracledb/lib/impl/resultset.js') as new () => ResultSetInternals;
export const StatementCache = require('oracledb/lib/thin/statementCache.js') as new (size: number) => unknown;
/** The class of all connections, which the driver's types keep to themselves. */
export const { Connection } = require('oracledb') as {
  readonly Connection: new () => oracledb.Connection;
};
