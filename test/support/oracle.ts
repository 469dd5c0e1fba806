/** The Oracle store: over the double, and over a server that somebody has. */
import { randomUUID } from 'node:crypto';
import oracledb from 'oracledb';
import { parseStoreUrl } from '../../src/config.js';
import { openOracleStore, openOracleStoreOn } from '../../src/stores/oracle/index.js';
import type { OracleOptions } from '../../src/stores/oracle/index.js';
import { doubleDriver } from '../oracle/double/connection.js';
import { startDoubleServer } from '../oracle/double/server.js';
import type { OpenedStore } from './stores.js';

export async function openOracleDouble(): Promise<OpenedStore> {
  const server = await startDoubleServer();
  const store = await openOracleStoreOn(doubleDriver(server));
  return {
    store,
    async close() {
      await store.close();
      await server.close();
    },
  };
}

/** Tables under a name of their own in the user's schema; they are dropped in the end. */
export async function openOracleServer(): Promise<OpenedStore> {
  const url = process.env['PLUMBLINE_TEST_ORACLE_URL'];
  if (url === undefined || url === '') throw new Error('The oracle store needs PLUMBLINE_TEST_ORACLE_URL');
  const location = parseStoreUrl(url);
  if (location.kind !== 'oracle') throw new Error('PLUMBLINE_TEST_ORACLE_URL is no oracle:// URL');
  const options = { ...location.options, prefix: `pt_${randomUUID().slice(0, 8)}` };
  const store = await openOracleStore(options);
  return {
    store,
    async close() {
      await store.close();
      await dropAll(options, options.prefix);
    },
  };
}

async function dropAll(server: OracleOptions, prefix: string): Promise<void> {
  const { user, password, connectString, walletLocation, walletPassword, configDir } = server;
  const connection = await oracledb.getConnection({
    user,
    password,
    connectString,
    walletLocation,
    walletPassword,
    configDir,
  });
  try {
    const { rows } = await connection.execute<[string]>('SELECT table_name FROM user_tables');
    const own = (rows ?? [])
      .map(([name]) => name)
      .filter((name) => name.startsWith(`${prefix.toUpperCase()}_`));
    for (const table of own) await connection.execute(`DROP TABLE ${table} CASCADE CONSTRAINTS PURGE`);
    await connection.execute(`DROP SEQUENCE ${prefix}_ids`);
  } finally {
    await connection.close();
  }
}
