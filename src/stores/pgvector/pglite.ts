/** The driver for PGlite, PostgreSQL embedded in this process, with its data in a folder. */
import { mkdir, open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import { vector } from '@electric-sql/pglite-pgvector';
import { tryLock } from 'fs-native-extensions';
import pg from 'pg';
import { RetrievalError } from '../../errors.js';
import type { Driver } from './database.js';
import { extensionRowSchema, readRow } from './rows.js';
import { sessionSettings } from './session-settings.js';
import { vectorFeatures } from './versions.js';

export interface PgliteOptions {
  readonly folder: string;
  readonly statementTimeoutMs: number;
}

/**
 * Opens the folder, making it when it is not there.
 * @throws RetrievalError `data_folder_in_use` when another process, or this one, has it open
 */
export async function openPglite(options: PgliteOptions): Promise<Driver> {
  const folder = resolve(options.folder);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new RetrievalError('store_unavailable', `The data folder ${folder} cannot be made`, { cause });
  });
  const lock = await lockFolder(folder);
  try {
    const embedded = await PGlite.create(join(folder, 'pgdata'), { extensions: { vector } });
    await embedded.exec('create extension if not exists vector');
    const { rows } = await embedded.query<Record<string, unknown>>(
      "select extversion from pg_extension where extname = 'vector'",
    );
    const features = vectorFeatures(readRow(extensionRowSchema, rows[0]).extversion);
    await embedded.exec(sessionSettings(options.statementTimeoutMs, features));
    // One connection that lives as long as the database: its settings are the database's.
    const pool = new pg.Pool(Object.assign(createPgConfig(embedded), { max: 1, idleTimeoutMillis: 0 }));
    return {
      kind: 'pglite',
      features,
      pool,
      // COPY FROM STDIN would end this process here; a file named /dev/blob is PGlite's own way.
      async copyIn(_client, target, data) {
        await embedded.query(`copy ${target} from '/dev/blob' (format binary)`, [], {
          blob: new Blob([new Uint8Array(data.buffer, data.byteOffset, data.length)]),
        });
      },
      cancel: () => undefined,
      async close() {
        await pool.end();
        await embedded.close();
        await lock.close();
      },
    };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/**
 * Two processes in one data folder would destroy it, and PGlite does not stop them. The lock is
 * the operating system's: it ends with this process, however that ends.
 */
async function lockFolder(folder: string): Promise<FileHandle> {
  const path = join(folder, 'plumbline.lock');
  const file = await open(path, 'a+');
  if (!tryLock(file.fd)) {
    await file.close();
    const holder = (await readFile(path, 'utf8').catch(() => '')).trim();
    throw new RetrievalError(
      'data_folder_in_use',
      `The data folder ${folder} is in use${/^\d+$/u.test(holder) ? ` by process ${holder}` : ''}. ` +
        'Stop that process, ask it through its REST API, or name another folder in PLUMBLINE_STORE_URL',
      { details: { folder, pid: /^\d+$/u.test(holder) ? Number(holder) : null } },
    );
  }
  await file.truncate();
  await file.write(String(process.pid), 0);
  return file;
}
