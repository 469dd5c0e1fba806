/** What there is to say about a PostgreSQL, or a PGlite. Pure. */
import type { PostgresInspection } from '../stores/inspection.js';
import { indexFindings, schemaFinding } from './shared.js';
import { size } from './size.js';
import { ok, problem, warning } from './types.js';
import type { Finding } from './types.js';

const OLDEST_SERVER = 140_000;
const MEGABYTE = 1_048_576;
/** PostgreSQL's own defaults: somebody has set less. */
const LEAST_MAINTENANCE = 64 * MEGABYTE;
const LEAST_BUFFERS = 128 * MEGABYTE;

/** @param poolSize connections of one process */
export function postgresFindings(inspection: PostgresInspection, poolSize: number): readonly Finding[] {
  return [
    serverFinding(inspection),
    ...extensionFindings(inspection.extension),
    schemaFinding(inspection.schema),
    ...indexFindings(inspection.indexes),
    // Plumbline itself sets those of PGlite.
    ...(inspection.kind === 'pglite'
      ? []
      : [...memoryFindings(inspection), connectionFinding(inspection, poolSize)]),
  ];
}

function serverFinding({ kind, version, versionNumber }: PostgresInspection): Finding {
  const name = kind === 'pglite' ? 'PGlite, PostgreSQL' : 'PostgreSQL';
  if (versionNumber >= OLDEST_SERVER) return ok('server', `${name} ${version}`);
  return problem('server', `${name} ${version}`, 'Use PostgreSQL 14 or newer.');
}

function extensionFindings({
  installed,
  available,
  features,
}: PostgresInspection['extension']): readonly Finding[] {
  const area = 'pgvector';
  if (installed === null && available === null) {
    return [problem(area, 'The server does not have it', 'Install pgvector 0.8.2 or newer on the server.')];
  }
  const what =
    installed === null
      ? `${available ?? ''} can be added to this database, which is done at the first start`
      : `Version ${installed}`;
  const update =
    installed === null || available === installed || available === null
      ? 'Install pgvector 0.8.2 or newer on the server, and run "alter extension vector update".'
      : `Run "alter extension vector update": the server has ${available}.`;
  if (features?.supported !== true) return [problem(area, `${what}; Plumbline needs 0.5 or newer`, update)];
  if (!features.iterativeScan) {
    return [
      warning(
        area,
        `${what} has no iterative scan: a filter that leaves the index too few hits costs a comparison of every match`,
        update,
      ),
      parallelFinding(update),
    ];
  }
  return features.parallelBuild ? [ok(area, what)] : [ok(area, what), parallelFinding(update)];
}

function parallelFinding(advice: string): Finding {
  return warning(
    'pgvector',
    'Parallel HNSW builds can write past their memory (CVE-2026-3172); Plumbline builds without parallel workers here',
    advice,
  );
}

function memoryFindings({ settings, indexes }: PostgresInspection): readonly Finding[] {
  const { maintenanceWorkMemBytes: maintenance, sharedBuffersBytes: buffers } = settings;
  const indexed = indexes.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  return [
    maintenance >= LEAST_MAINTENANCE
      ? ok('memory', `maintenance_work_mem is ${size(maintenance)}`)
      : warning(
          'memory',
          `maintenance_work_mem is ${size(maintenance)}, with which vacuum passes over vector indexes many times`,
          'Set it to 64MB or more; index builds set their own.',
        ),
    buffers >= LEAST_BUFFERS && buffers >= indexed
      ? ok('memory', `shared_buffers is ${size(buffers)}; vector indexes take ${size(indexed)}`)
      : warning(
          'memory',
          `shared_buffers is ${size(buffers)}; vector indexes take ${size(indexed)}`,
          'Raise it so that the vector indexes fit, to about a quarter of the machine’s memory.',
        ),
  ];
}

function connectionFinding({ settings }: PostgresInspection, poolSize: number): Finding {
  const { maxConnections, reservedConnections, roleConnections } = settings;
  const usable = Math.min(maxConnections - reservedConnections, roleConnections ?? Infinity);
  const what = `A process makes up to ${String(poolSize)} connections; this role can have ${String(usable)}`;
  if (poolSize > usable) {
    return problem(
      'connections',
      what,
      'Lower PLUMBLINE_PG_POOL_SIZE, or raise max_connections or the role’s limit.',
    );
  }
  if (poolSize * 2 <= usable) return ok('connections', what);
  return warning(
    'connections',
    `${what}, which is not enough for a second process`,
    'Lower PLUMBLINE_PG_POOL_SIZE if there is to be one.',
  );
}
