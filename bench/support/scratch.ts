/** A database of a benchmark's own on the server that it is given. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface ScratchDatabase {
  readonly url: string;
  /** For the peer, and for looking on: its session has PostgreSQL's and pgvector's own defaults. */
  readonly client: pg.Client;
  /** `PostgreSQL 15.20, pgvector 0.8.0`. */
  readonly server: string;
  /** pgvector's version. */
  readonly extension: string;
}

/** Makes the database, and drops it when `work` is over, however that ends. */
export async function withScratchDatabase<T>(
  server: string,
  work: (scratch: ScratchDatabase) => Promise<T>,
): Promise<T> {
  const name = `plumbline_bench_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await administer(server, `create database ${name}`);
  try {
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      await client.query('create extension if not exists vector');
      return await work({ url: url.href, client, ...(await versions(client)) });
    } finally {
      await client.end();
    }
  } finally {
    await administer(server, `drop database ${name} with (force)`);
  }
}

async function versions(client: pg.Client): Promise<Pick<ScratchDatabase, 'server' | 'extension'>> {
  const { rows } = await client.query<{ readonly server: string; readonly extension: string }>(
    `select current_setting('server_version') as server, extversion as extension
      from pg_extension where extname = 'vector'`,
  );
  const { server = '', extension = '' } = rows[0] ?? {};
  return { server: `PostgreSQL ${server.split(' ')[0] ?? ''}, pgvector ${extension}`, extension };
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
