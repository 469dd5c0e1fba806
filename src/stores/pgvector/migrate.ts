/** Brings the schema to this version: numbered files, forward only, each applied once. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RetrievalError } from '../../errors.js';
import { packageRoot } from '../../package-root.js';
import type { Database } from './database.js';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** Any number: concurrent runs wait for each other on it. */
const LOCK = 7_405_926;

/**
 * @throws RetrievalError `schema_too_new` when a newer Plumbline has been here; `store_error` when
 *   a migration that was applied is not the one in this version
 */
export async function migrate(
  database: Database,
  folder = join(packageRoot, 'migrations', 'pgvector'),
): Promise<void> {
  const migrations = await readMigrations(folder);
  await database.transaction(async (session) => {
    await session.query({ text: 'select pg_advisory_xact_lock($1)', values: [LOCK] });
    await session.query({ text: 'set local statement_timeout = 0' });
    await session.query({ text: 'create schema if not exists plumbline' });
    await session.query({
      text: `create table if not exists plumbline.schema_migrations (
        version integer primary key, name text not null, checksum text not null,
        applied_at timestamptz not null default now())`,
    });
    const rows = await session.query({ text: 'select version, checksum from plumbline.schema_migrations' });
    const applied = new Map(rows.map((row) => [Number(row['version']), String(row['checksum'])]));
    assertKnown(migrations, applied);
    for (const { version, name, sql, checksum } of migrations) {
      if (applied.has(version)) continue;
      await session.query({ text: sql });
      await session.query({
        text: 'insert into plumbline.schema_migrations (version, name, checksum) values ($1, $2, $3)',
        values: [version, name, checksum],
      });
    }
  });
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

async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_.+\.sql$/u.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { version: Number(name.slice(0, 4)), name, sql, checksum };
    }),
  );
}
