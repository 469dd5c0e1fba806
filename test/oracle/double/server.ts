/**
 * What stands in for an Oracle server: PGlite with pgvector, one session for all connections. It
 * keeps to Oracle's ways where the store leans on them: a definition commits, a statement that
 * fails undoes itself and not its transaction, locked rows wait, and '' is NULL.
 */
import { PGlite } from '@electric-sql/pglite';
import type { Results } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import oracledb from 'oracledb';
import type { BoundVariable, ParsedStatement } from './driver-internals.js';
import { oracleError, toOracleError } from './errors.js';
import { createLocks } from './locks.js';
import { translateDefinition, translateQuery } from './to-postgresql.js';

/** One connection's session. */
export interface ServerSession {
  execute(statement: ParsedStatement, iterations: number): Promise<Results<readonly unknown[]>>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  interrupt(): void;
}

export interface DoubleServer {
  /** Every statement that arrived, each once. */
  readonly statements: ReadonlySet<string>;
  /** What the next statements are answered with, first in, first out; null lets one pass. */
  readonly faults: (Error | null)[];
  /** What the next commits are answered with, once they are made. */
  readonly commitFaults: (Error | null)[];
  /** The vector type's number in this database, for reading results. */
  readonly vectorType: number;
  openSession(): ServerSession;
  close(): Promise<void>;
}

/** All of PostgreSQL's one session. */
const TURN = 'turn';

const DEFAULT_EF_SEARCH = 200;

const TYPES = new Map<oracledb.DbType, string>([
  [oracledb.DB_TYPE_VARCHAR, 'varchar'],
  [oracledb.DB_TYPE_NUMBER, 'bigint'],
  [oracledb.DB_TYPE_BINARY_DOUBLE, 'float8'],
  [oracledb.DB_TYPE_VECTOR, 'vector'],
]);

export async function startDoubleServer(): Promise<DoubleServer> {
  const database = await PGlite.create({ extensions: { vector } });
  await database.exec(`create extension vector;
    create table nls_database_parameters (parameter varchar, value varchar);
    insert into nls_database_parameters values ('NLS_LANGUAGE', 'AMERICAN'), ('NLS_CHARACTERSET', 'AL32UTF8');
    create view user_tables as
      select upper(tablename)::varchar as table_name from pg_tables where schemaname = 'public';
    select null::vector; set ivfflat.probes = 20; set hnsw.iterative_scan = off; set jit = off`);
  const types = await database.query<{ oid: number }>("select oid from pg_type where typname = 'vector'");
  const locks = createLocks();
  const statements = new Set<string>();
  const faults: (Error | null)[] = [];
  const commitFaults: (Error | null)[] = [];

  const openSession = (): ServerSession => {
    const self = {};
    let isInTransaction = false;

    const withTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      if (isInTransaction) return work();
      await locks.acquire(self, TURN);
      try {
        return await work();
      } finally {
        locks.release(self, TURN);
      }
    };
    const end = async (how: 'commit' | 'rollback'): Promise<void> => {
      if (isInTransaction) {
        isInTransaction = false;
        await database.exec(how);
      }
      locks.releaseAll(self);
    };
    /** A statement that fails leaves what its transaction did before. */
    const atomically = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!isInTransaction) return work();
      await database.exec('savepoint statement');
      try {
        const answer = await work();
        await database.exec('release savepoint statement');
        return answer;
      } catch (error) {
        await database.exec('rollback to savepoint statement');
        throw error;
      }
    };
    const ask = async (statement: ParsedStatement, sql: string): Promise<Results<readonly unknown[]>> => {
      const { text, efSearch } = translateQuery(sql);
      const { places, values } = bindsOf(statement);
      const query = (): Promise<Results<readonly unknown[]>> =>
        atomically(() =>
          database.query<readonly unknown[]>(
            text.replace(/:(b_\w+)/gu, (_, name: string) => places.get(name.toUpperCase()) ?? `:${name}`),
            values,
            { rowMode: 'array' },
          ),
        );
      if (!sql.includes('FETCH APPROX')) return query();
      // Through the index even where reading the table is cheaper: it is what may find too few.
      await database.exec(
        `set enable_seqscan = off; set hnsw.ef_search = ${String(efSearch ?? DEFAULT_EF_SEARCH)}`,
      );
      try {
        return await query();
      } finally {
        await database.exec('set enable_seqscan = on');
      }
    };
    const lockRows = async (statement: ParsedStatement): Promise<void> => {
      const [, table, condition] =
        /^SELECT .* FROM (\w+)\s+WHERE (.*) FOR UPDATE$/su.exec(statement.sql) ?? [];
      if (table === undefined || condition === undefined)
        throw oracleError(2014, 'cannot select FOR UPDATE here');
      const { rows } = await withTurn(() => ask(statement, `SELECT id FROM ${table} WHERE ${condition}`));
      for (const [id] of rows) await locks.acquire(self, `${table} ${String(id)}`);
    };

    const change = async (
      statement: ParsedStatement,
      iterations: number,
    ): Promise<Results<readonly unknown[]>> => {
      if (!isInTransaction) {
        await locks.acquire(self, TURN);
        isInTransaction = true;
        await database.exec('begin');
      }
      if (iterations === 1) return ask(statement, statement.sql);
      const { text, values } = loadOf(statement);
      return atomically(() => database.query<readonly unknown[]>(text, values, { rowMode: 'array' }));
    };

    const run = async (
      statement: ParsedStatement,
      iterations: number,
    ): Promise<Results<readonly unknown[]>> => {
      const { sql } = statement;
      if (statement.isQuery) {
        if (!sql.endsWith('FOR UPDATE')) return withTurn(() => ask(statement, sql));
        await lockRows(statement);
        return withTurn(() => ask(statement, sql.replace(/ FOR UPDATE$/u, '')));
      }
      if (statement.isDml) return change(statement, iterations);
      if (!statement.isDdl && !statement.isPlSql) throw oracleError(900, 'invalid SQL statement');
      // Commits what was before it, and itself.
      await end('commit');
      return withTurn(() =>
        database.query<readonly unknown[]>(definitionOf(statement), [], { rowMode: 'array' }),
      );
    };

    return {
      async execute(statement, iterations) {
        statements.add(statement.sql);
        const fault = faults.shift();
        if (fault !== undefined && fault !== null) throw fault;
        checkSizes(statement);
        try {
          return await run(statement, iterations);
        } catch (error) {
          throw toOracleError(error);
        }
      },
      async commit() {
        await end('commit');
        const fault = commitFaults.shift();
        if (fault !== undefined && fault !== null) throw fault;
      },
      rollback: () => end('rollback'),
      interrupt() {
        locks.interrupt(self);
      },
    };
  };

  return {
    statements,
    faults,
    commitFaults,
    vectorType: types.rows[0]?.oid ?? 0,
    openSession,
    close: () => database.close(),
  };
}

function definitionOf({ sql, isPlSql, bindInfoList }: ParsedStatement): string {
  if (sql.startsWith('ALTER SESSION SET ')) return 'select 1';
  if (!isPlSql) return translateDefinition(sql);
  const table = bindInfoList[0]?.bindVar.values[0];
  if (!/^BEGIN DBMS_STATS\.GATHER_TABLE_STATS\(USER, :b_1\); END;$/u.test(sql) || typeof table !== 'string') {
    throw oracleError(6550, 'the double knows no such block');
  }
  return `analyze ${table}`;
}

/** A place of PostgreSQL's for each name, with its type. */
function bindsOf({ bindInfoList }: ParsedStatement): {
  readonly places: ReadonlyMap<string, string>;
  readonly values: unknown[];
} {
  const places = new Map<string, string>();
  const values: unknown[] = [];
  for (const { bindName, bindVar } of bindInfoList) {
    if (places.has(bindName)) continue;
    values.push(toPostgresql(bindVar.values[0]));
    places.set(bindName, `$${String(values.length)}::${typeOf(bindVar)}`);
  }
  return { places, values };
}

/** Many rows of one INSERT, a column at a time. */
function loadOf({ sql, bindInfoList }: ParsedStatement): {
  readonly text: string;
  readonly values: unknown[];
} {
  const [, target] = /^INSERT INTO (\w+ \([\w, ]+\)) VALUES \([:\w, ]+\)$/u.exec(sql) ?? [];
  if (target === undefined) throw oracleError(900, 'the double loads rows by INSERT … VALUES only');
  const types = bindInfoList.map(({ bindVar }) => typeOf(bindVar));
  const arrays = types.map((type, index) => `$${String(index + 1)}::${type === 'vector' ? 'text' : type}[]`);
  const names = types.map((_, index) => `v${String(index)}`);
  const selected = types.map((type, index) => `v${String(index)}::${type}`);
  return {
    text: `insert into ${target} select ${selected.join(', ')} from unnest(${arrays.join(', ')}) as row_of(${names.join(', ')})`,
    values: bindInfoList.map(({ bindVar }) => bindVar.values.map(toPostgresql)),
  };
}

function typeOf({ type }: BoundVariable): string {
  const name = TYPES.get(type);
  if (name === undefined) throw oracleError(932, `the double knows no binds of ${type.name}`);
  return name;
}

function toPostgresql(value: unknown): unknown {
  // Oracle's empty string is NULL.
  if (value === undefined || value === '') return null;
  return value instanceof Float32Array
    ? `[${Array.from(value, (one) => (Object.is(one, -0) ? '-0' : String(one))).join(',')}]`
    : value;
}

const MAX_VARCHAR2 = 4000;

/** Longer strings are for CLOB columns alone, and nothing may follow them in an INSERT. */
function checkSizes({ sql, isDml, bindInfoList }: ParsedStatement): void {
  let isAfterLong = false;
  for (const { bindVar } of bindInfoList) {
    const isLong = bindVar.values.some(
      (value) => typeof value === 'string' && Buffer.byteLength(value) > MAX_VARCHAR2,
    );
    if (isLong && !(isDml && /^(?:INSERT|UPDATE)/u.test(sql))) {
      throw oracleError(1461, 'a string longer than 4000 bytes cannot be bound here');
    }
    if (isAfterLong && bindVar.type !== oracledb.DB_TYPE_VARCHAR && sql.startsWith('INSERT')) {
      throw oracleError(24_816, 'expanded non LONG bind data supplied after actual LONG or LOB column');
    }
    isAfterLong ||= isLong;
  }
}
