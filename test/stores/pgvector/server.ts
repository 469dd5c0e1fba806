/** A PostgreSQL server of a test's own, by scripts/services/postgres/cluster. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { packageRoot } from '../../../src/package-root.js';

const run = promisify(execFile);
const SCRIPT = join(packageRoot, 'scripts', 'services', 'postgres', 'cluster');

export interface TestServer {
  readonly folder: string;
  readonly port: number;
  /** Certificate of the CA that signed the server's, which is for the name localhost. */
  readonly caFile: string;
  /** As the superuser, without TLS, by the address 127.0.0.1. */
  readonly url: string;
  start(): Promise<void>;
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  promote(): Promise<void>;
  /** Runs SQL over a connection of its own, as the superuser. */
  sql(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Rules for logins from 127.0.0.1, in place of "trust all"; followed from the next start on. */
  setLoginRules(rules: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** Starts an empty server. @param settings as `name=value` */
export async function startServer(settings: readonly string[] = []): Promise<TestServer> {
  return openServer(settings, async (folder) => cluster('create', folder));
}

/** Starts a standby of a server: a byte-for-byte copy that follows it. */
export async function startStandby(primary: TestServer): Promise<TestServer> {
  return openServer([], async (folder) => cluster('copy', folder, String(primary.port)));
}

/** Resolves when the standby has replayed all that the primary has written. */
export async function caughtUp(primary: TestServer, standby: TestServer): Promise<void> {
  const [written] = await primary.sql('select pg_current_wal_lsn()::text as lsn');
  const lsn = String(written?.['lsn']);
  for (;;) {
    const [row] = await standby.sql(`select pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn as there`);
    if (row?.['there'] === true) return;
  }
}

async function openServer(
  settings: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<TestServer> {
  const folder = join(tmpdir(), `plumbline-server-${randomUUID()}`);
  const port = await freePort();
  const url = `postgresql://postgres@127.0.0.1:${String(port)}/postgres`;
  // Commits are as durable as a crash of the process needs; nobody pulls the plug here.
  const all = ['fsync=off', 'max_connections=60', 'shared_buffers=64MB', ...settings].map((setting) =>
    setting.replaceAll('$FOLDER', folder),
  );
  const server: TestServer = {
    folder,
    port,
    caFile: join(folder, 'ca.crt'),
    url,
    start: () => cluster('start', folder, String(port), ...all),
    stop: (mode) => cluster('stop', folder, mode),
    promote: () => cluster('promote', folder),
    async sql(text) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        const { rows } = await client.query<Readonly<Record<string, unknown>>>(text);
        return rows;
      } finally {
        await client.end();
      }
    },
    setLoginRules: (rules) => writeFile(join(folder, 'data', 'pg_hba.conf'), `${rules.join('\n')}\n`),
    remove: () => cluster('remove', folder),
  };
  try {
    await make(folder);
    await server.start();
    return server;
  } catch (error) {
    await server.remove();
    throw error;
  }
}

async function cluster(...args: readonly string[]): Promise<void> {
  await run(SCRIPT, args);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port to be had'));
      });
    });
  });
}
