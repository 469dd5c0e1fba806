/**
 * Tables that no collection owns. A table is noted before it is made, and again in the transaction
 * that gives up its collection; so what a crash leaves behind is known and can be dropped.
 */
import { text } from './binds.js';
import type { Bind } from './binds.js';
import type { Database, Definer, Session } from './database.js';
import type { Names } from './names.js';

/** What is younger may be another process's, which is about to use it. */
const MIN_AGE = "INTERVAL '1' HOUR";

/** The table is not there. */
export const MISSING = 'ORA-00942';

export async function noteTables(
  runner: Pick<Definer | Session, 'run'>,
  names: Names,
  tables: readonly string[],
): Promise<void> {
  for (const table of tables) {
    await runner.run({
      text: `INSERT INTO ${names.garbage} (table_name) VALUES (:b_1)`,
      binds: { b_1: text(table) },
    });
  }
}

/** Says that the tables are a collection's now, or are gone. */
export async function forgetTables(
  runner: Pick<Definer | Session, 'run'>,
  names: Names,
  tables: readonly string[],
): Promise<void> {
  for (const table of tables) {
    await runner.run({
      text: `DELETE FROM ${names.garbage} WHERE table_name = :b_1`,
      binds: { b_1: text(table) } satisfies Record<string, Bind>,
    });
  }
}

export async function dropTables(definer: Definer, names: Names, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await definer.define(`DROP TABLE ${table} PURGE`, [MISSING]);
    await forgetTables(definer, names, [table]);
  }
}

/** Drops what was noted long ago. Called when the store is opened. */
export async function sweep(database: Database, names: Names): Promise<void> {
  const rows = await database.query({
    text: `SELECT table_name FROM ${names.garbage} WHERE noted_at < SYSTIMESTAMP - ${MIN_AGE}`,
  });
  if (rows.length === 0) return;
  await database.definitions((definer) =>
    dropTables(
      definer,
      names,
      rows.map((row) => String(row['table_name'])),
    ),
  );
}
