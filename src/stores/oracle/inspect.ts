/** Looks into an Oracle database: for `plumbline doctor` and conformance records. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RetrievalError } from '../../errors.js';
import { packageRoot } from '../../package-root.js';
import type { CallOptions } from '../port.js';
import type { OracleInspection, Permission, Probe } from '../inspection.js';
import { openServer } from './connection.js';
import { createDatabase } from './database.js';
import type { Database, Driver, Row } from './database.js';
import { codeOf, translate } from './errors.js';
import type { OracleOptions } from './index.js';
import { DEFAULT_PREFIX, createNames } from './names.js';
import type { Names } from './names.js';

/** @throws RetrievalError `store_unavailable`, `store_error` */
export async function openOracleProbe({ prefix = DEFAULT_PREFIX, ...server }: OracleOptions): Promise<Probe> {
  let driver: Driver;
  try {
    driver = await openServer(server);
  } catch (error) {
    throw translate(error, undefined);
  }
  const database = createDatabase(driver);
  return {
    inspect: (options) => inspectOracle(database, createNames(prefix), options),
    permissions: async (scratch, options) => ({
      'create a table': await tryTable(database, `${prefix}_${scratch}`, options),
    }),
    close: () => database.close(),
  };
}

async function inspectOracle(
  database: Database,
  names: Names,
  options?: CallOptions,
): Promise<OracleInspection> {
  /** Null for a view or a table that is not there, or that this user may not see: Oracle tells neither. */
  const look = async (text: string): Promise<readonly Row[] | null> => {
    try {
      return await database.query({ text }, options);
    } catch (error) {
      if (error instanceof RetrievalError && codeOf(error) === 'ORA-00942') return null;
      throw error;
    }
  };
  const [version] = (await look('SELECT version_full FROM product_component_version')) ?? [];
  const languages = await look('SELECT * FROM nls_database_parameters');
  const characterSet = languages?.find((row) => row['parameter'] === 'NLS_CHARACTERSET')?.['value'];
  const memory = await look("SELECT value FROM v$parameter WHERE name = 'vector_memory_size'");
  const privileges = await look('SELECT privilege FROM session_privs');
  const migrations = await look(`SELECT MAX(version) AS version FROM ${names.migrations}`);
  return {
    kind: 'oracle',
    version: version === undefined ? null : String(version['version_full']),
    characterSet: typeof characterSet === 'string' ? characterSet : null,
    vectorMemoryBytes: memory?.[0] === undefined ? null : Number(memory[0]['value']),
    privileges: (privileges ?? []).map((row) => String(row['privilege'])),
    schema: {
      applied: migrations === null ? null : Number(migrations[0]?.['version'] ?? 0),
      known: await newestKnown(),
    },
  };
}

async function newestKnown(): Promise<number> {
  const files = await readdir(join(packageRoot, 'migrations', 'oracle'));
  return Math.max(0, ...files.map((name) => Number(/^(\d{4})_.+\.sql$/u.exec(name)?.[1] ?? 0)));
}

async function tryTable(database: Database, table: string, options?: CallOptions): Promise<Permission> {
  try {
    await database.definitions(async (definer) => {
      await definer.define(`CREATE TABLE ${table} (id NUMBER(1))`);
      await definer.define(`DROP TABLE ${table} PURGE`);
    }, options);
    return { allowed: true };
  } catch (error) {
    const code = codeOf(error);
    if (code === null) throw error;
    return { allowed: false, code };
  }
}
