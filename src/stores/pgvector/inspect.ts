/** Looks into a database without changing it: for `plumbline doctor` and conformance records. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../package-root.js';
import type { IndexState, Permission, PostgresInspection } from '../inspection.js';
import { codeOf } from './errors.js';
import { readRow } from './rows.js';
import { vectorFeatures } from './versions.js';

/** Runs one statement; all of them on one connection where they belong together. */
export type RunSql = (text: string, values?: readonly unknown[]) => Promise<readonly SqlRow[]>;
type SqlRow = Readonly<Record<string, unknown>>;

const numeric = z.coerce.number();

const serverSchema = z.object({
  version: z.string(),
  version_number: numeric,
  installed: z.string().nullable(),
  available: z.string().nullable(),
  maintenance_work_mem: numeric,
  shared_buffers: numeric,
  work_mem: numeric,
  max_connections: numeric,
  reserved: numeric,
  role_connections: z.number().nullable(),
  has_schema: z.boolean(),
});

const SERVER = `select current_setting('server_version') as version,
  current_setting('server_version_num')::integer as version_number,
  (select extversion from pg_extension where extname = 'vector') as installed,
  (select default_version from pg_available_extensions where name = 'vector') as available,
  pg_size_bytes(current_setting('maintenance_work_mem'))::float8 as maintenance_work_mem,
  pg_size_bytes(current_setting('shared_buffers'))::float8 as shared_buffers,
  pg_size_bytes(current_setting('work_mem'))::float8 as work_mem,
  current_setting('max_connections')::integer as max_connections,
  current_setting('superuser_reserved_connections')::integer as reserved,
  (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user) as role_connections,
  to_regclass('plumbline.schema_migrations') is not null as has_schema`;

const indexSchema = z.object({
  collection: z.string(),
  kind: z.string(),
  chunks: numeric,
  built: z.boolean(),
  is_valid: z.boolean().nullable(),
  bytes: numeric.nullable(),
});

/** Every active generation, with the indexes on its vectors that are none of the ordinary kinds: one, or one a partition. */
const INDEXES = `select c.name as collection, g.vector_index->>'kind' as kind, g.chunk_count::float8 as chunks,
    g.index_built as built, i.is_valid, i.bytes
  from plumbline.generations g
  join plumbline.collections c on c.id = g.collection_id
  cross join lateral (
    select to_regclass('plumbline.g' || g.id || '_vectors') as vectors) t
  cross join lateral (
    select bool_and(x.indisvalid and x.indisready) as is_valid, sum(pg_relation_size(x.indexrelid))::float8 as bytes
    from pg_index x join pg_class k on k.oid = x.indexrelid join pg_am a on a.oid = k.relam
    where x.indrelid in (select t.vectors union all select inhrelid from pg_inherits where inhparent = t.vectors)
      and a.amname in ('hnsw', 'ivfflat')) i
  where g.state = 'active' order by c.name`;

/** @throws the driver's error when the server cannot be asked */
export async function inspectPostgres(
  kind: PostgresInspection['kind'],
  run: RunSql,
): Promise<PostgresInspection> {
  const server = readRow(serverSchema, (await run(SERVER))[0]);
  return {
    kind,
    version: server.version,
    versionNumber: server.version_number,
    extension: {
      installed: server.installed,
      available: server.available,
      features: featuresOf(server.installed ?? server.available),
    },
    schema: { applied: server.has_schema ? await newestApplied(run) : null, known: await newestKnown() },
    settings: {
      maintenanceWorkMemBytes: server.maintenance_work_mem,
      sharedBuffersBytes: server.shared_buffers,
      workMemBytes: server.work_mem,
      maxConnections: server.max_connections,
      reservedConnections: server.reserved,
      roleConnections: server.role_connections,
    },
    indexes: server.has_schema ? (await run(INDEXES)).map(toIndexState) : [],
  };
}

function featuresOf(version: string | null): PostgresInspection['extension']['features'] {
  if (version === null) return null;
  const { supported, iterativeScan, parallelBuild } = vectorFeatures(version);
  return { supported, iterativeScan, parallelBuild };
}

function toIndexState(row: SqlRow): IndexState {
  const { collection, kind, chunks, built, is_valid, bytes } = readRow(indexSchema, row);
  const ready = is_valid === true ? 'ready' : 'broken';
  return { collection, kind, chunks, bytes, state: built ? ready : 'not_built' };
}

async function newestApplied(run: RunSql): Promise<number> {
  const rows = await run('select coalesce(max(version), 0) as version from plumbline.schema_migrations');
  return readRow(z.object({ version: numeric }), rows[0]).version;
}

async function newestKnown(): Promise<number> {
  const files = await readdir(join(packageRoot, 'migrations', 'pgvector'));
  return Math.max(0, ...files.map((name) => Number(/^(\d{4})_.+\.sql$/u.exec(name)?.[1] ?? 0)));
}

/**
 * What Plumbline has to be allowed, tried on one connection and undone.
 * @param scratch a name that nothing has yet
 */
export async function tryPermissions(
  run: RunSql,
  scratch: string,
): Promise<Readonly<Record<'create the extension' | 'create a schema' | 'create a table', Permission>>> {
  const attempt = async (...statements: readonly string[]): Promise<Permission> => {
    await run('begin');
    try {
      for (const statement of statements) await run(statement);
      return { allowed: true };
    } catch (error) {
      const code = codeOf(error);
      if (code === null) throw error;
      return { allowed: false, code };
    } finally {
      await run('rollback');
    }
  };
  // As at a start, which says so also where the schema is there: PostgreSQL then asks for the right all the same.
  const schema = 'create schema if not exists plumbline';
  return {
    'create the extension': await attempt('create extension if not exists vector'),
    'create a schema': await attempt(schema),
    'create a table': await attempt(schema, `create table plumbline.${scratch} (id integer)`),
  };
}
