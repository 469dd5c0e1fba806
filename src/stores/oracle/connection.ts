/** The driver for an Oracle server: node-oracledb in its thin mode, which needs no client library. */
import oracledb from 'oracledb';
import type { Driver } from './database.js';

export interface ServerConnection {
  readonly user: string;
  readonly password: string;
  /** `host:port/service`, a descriptor, or a name of `tnsnames.ora`. */
  readonly connectString: string;
  readonly poolMin: number;
  readonly poolMax: number;
  /** Longest a statement of a query may take, in milliseconds. */
  readonly callTimeoutMs: number;
  /** Folder with `ewallet.pem`, for TLS with a client's certificate. */
  readonly walletLocation?: string;
  readonly walletPassword?: string;
  /** Folder with `tnsnames.ora`. */
  readonly configDir?: string;
}

/** Binary order is the order of code points; definitions wait for those who use a table. */
const SESSION =
  "ALTER SESSION SET NLS_COMP = BINARY NLS_SORT = BINARY TIME_ZONE = '+00:00' DDL_LOCK_TIMEOUT = 60";

const CONNECT_TIMEOUT_S = 10;
const QUEUE_TIMEOUT_MS = 60_000;

export async function openServer(server: ServerConnection): Promise<Driver> {
  const { poolMin, poolMax, callTimeoutMs, ...given } = server;
  const credentials = { ...given, transportConnectTimeout: CONNECT_TIMEOUT_S };
  const pool = await oracledb.createPool({
    ...credentials,
    poolMin,
    poolMax,
    poolIncrement: 1,
    queueTimeout: QUEUE_TIMEOUT_MS,
    // Also looks whether an idle connection still answers.
    poolPingInterval: 30,
    sessionCallback: (connection, _tag, done) => {
      connection.execute(SESSION).then(() => {
        done();
      }, done);
    },
  });
  return {
    callTimeoutMs,
    acquire: () => pool.getConnection(),
    async connect() {
      const connection = await oracledb.getConnection(credentials);
      try {
        await connection.execute(SESSION);
        return connection;
      } catch (error) {
        await connection.close().catch(() => undefined);
        throw error;
      }
    },
    // Calls have ended before the store is closed.
    close: () => pool.close(0),
  };
}
