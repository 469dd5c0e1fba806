/**
 * Brings the schema to this version: numbered files, forward only. Every definition commits, so a
 * lock cannot be held beside it on one connection: a row is locked on one, and the files are run on
 * another. A file that a crash cut off is run again, past what it made.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RetrievalError } from '../../errors.js';
import { packageRoot } from '../../package-root.js';
import { integer, text } from './binds.js';
import type { Database, Definer } from './database.js';
import { codeOf } from './errors.js';
import { DEFAULT_PREFIX } from './names.js';
import type { Names } from './names.js';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly statements: readonly string[];
}

/** What a file says that was run before is there: the name, or the column. */
const THERE = ['ORA-00955', 'ORA-01430'];

/**
 * @throws RetrievalError `schema_too_new` when a newer Plumbline has been here; `store_error` when
 *   a migration that was applied is not the one in this version
 */
export async function migrate(
  database: Database,
  names: Names,
  prefix: string,
  folder = join(packageRoot, 'migrations', 'oracle'),
): Promise<void> {
  const migrations = await readMigrations(folder, prefix);
  await database.definitions((definer) => prepare(definer, names));
  await database.guarded(async (session, definer) => {
    await session.query({ text: `SELECT id FROM ${names.lock} WHERE id = 1 FOR UPDATE` });
    const rows = await session.query({ text: `SELECT version, checksum FROM ${names.migrations}` });
    const applied = new Map(rows.map((row) => [Number(row['version']), String(row['checksum'])]));
    assertKnown(migrations, applied);
    for (const { version, name, checksum, statements } of migrations) {
      if (applied.has(version)) continue;
      for (const statement of statements) await definer.define(statement, THERE);
      await definer.run({
        text: `INSERT INTO ${names.migrations} (version, name, checksum) VALUES (:b_1, :b_2, :b_3)`,
        binds: { b_1: integer(version), b_2: text(name), b_3: text(checksum) },
      });
    }
  });
}

/** The lock, with its one row, and the list of what was applied. */
async function prepare(definer: Definer, names: Names): Promise<void> {
  await definer.define(
    `CREATE TABLE ${names.lock} (id NUMBER(1) NOT NULL, CONSTRAINT ${names.lock}_pk PRIMARY KEY (id))`,
    THERE,
  );
  try {
    await definer.run({ text: `INSERT INTO ${names.lock} (id) VALUES (:b_1)`, binds: { b_1: integer(1) } });
  } catch (error) {
    if (codeOf(error) !== 'ORA-00001') throw error;
  }
  await definer.define(
    `CREATE TABLE ${names.migrations} (
      version NUMBER(10) NOT NULL,
      name VARCHAR2(255 CHAR) NOT NULL,
      checksum VARCHAR2(64 CHAR) NOT NULL,
      applied_at TIMESTAMP WITH TIME ZONE DEFAULT SYSTIMESTAMP NOT NULL,
      CONSTRAINT ${names.migrations}_pk PRIMARY KEY (version))`,
    THERE,
  );
}

function assertKnown(migrations: readonly Migration[], applied: ReadonlyMap<number, string>): void {
  const newest = Math.max(0, ...migrations.map(({ version }) => version));
  for (const [version, checksum] of applied) {
    if (version > newest) {
      throw new RetrievalError(
        'schema_too_new',
        `The database has schema version ${String(version)}; this Plumbline knows ${String(newest)}. Use the newer Plumbline`,
        { details: { found: version, known: newest } },
      );
    }
    const known = migrations.find((migration) => migration.version === version);
    if (known !== undefined && known.checksum !== checksum) {
      throw new RetrievalError('store_error', `Migration ${known.name} is not the one that was applied`, {
        details: { version },
      });
    }
  }
}

async function readMigrations(folder: string, prefix: string): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((name) => /^\d{4}_.+\.sql$/u.test(name)).sort();
  return Promise.all(
    files.map(async (name) => {
      const sql = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
      return {
        version: Number(name.slice(0, 4)),
        name,
        checksum: createHash('sha256').update(sql).digest('hex'),
        statements: statementsOf(sql).map((one) => one.replaceAll(`${DEFAULT_PREFIX}_`, `${prefix}_`)),
      };
    }),
  );
}

/** Statements end with a line `/`, as for Oracle's own tools. Comments are for people. */
function statementsOf(sql: string): readonly string[] {
  return sql
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/^\/$/mu)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
