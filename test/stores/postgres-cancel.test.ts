/** A cancelled call ends its statement on the server, and nobody else's. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { it } from 'node:test';
import pg from 'pg';
import { createDatabase } from '../../src/stores/pgvector/database.js';
import { openPostgresql } from '../../src/stores/pgvector/postgresql.js';
import { databaseNames } from '../support/stores.js';

const OPTIONS = { poolSize: 2, statementTimeoutMs: 60_000 };

if (databaseNames().includes('postgres')) {
  const url = new URL(process.env['PLUMBLINE_TEST_POSTGRES_URL'] ?? '');

  it('a cancelled statement ends on the server, long before its time', async () => {
    await withClient(async (watcher) => {
      const database = createDatabase(await openPostgresql({ ...OPTIONS, url: named(url, 'cancel-one') }));
      try {
        const { refused } = await abortWhileAsleep(watcher, database, 'cancel-one');
        await refused;
        while ((await sleepers(watcher, 'cancel-one')) > 0);
      } finally {
        await database.close();
      }
    });
  });

  it('behind a pooler, whose numbers are not the server’s, no other client’s statement is ended', async () => {
    await withClient(async (watcher) => {
      const other = new pg.Client(named(url, 'cancel-other'));
      other.on('error', () => undefined);
      await other.connect();
      const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
      const pooler = await startPooler(Number(rows[0]?.pid));
      const database = createDatabase(
        await openPostgresql({ ...OPTIONS, url: named(pooler.url, 'cancel-pooled') }),
      );
      const ended = other.query('select pg_sleep(60)').then(
        () => 'slept',
        (error: unknown) => error,
      );
      let stopped: Promise<void> | undefined;
      try {
        while ((await sleepers(watcher, 'cancel-other')) === 0);
        const { refused } = await abortWhileAsleep(watcher, database, 'cancel-pooled');
        stopped = refused;
        // The pool waits for nothing; the request is over when the pooler has seen its connection end.
        await pooler.cancelled;
        assert.equal(await sleepers(watcher, 'cancel-other'), 1);
      } finally {
        await watcher.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cancel-%'",
        );
        await Promise.all([ended, stopped]);
        await database.close();
        await pooler.close();
        await other.end().catch(() => undefined);
      }
    });
  });

  async function abortWhileAsleep(
    watcher: pg.Client,
    database: ReturnType<typeof createDatabase>,
    application: string,
  ): Promise<{ readonly refused: Promise<void> }> {
    const controller = new AbortController();
    const asleep = database.query({ text: 'select pg_sleep(60)' }, { signal: controller.signal });
    const refused = assert.rejects(asleep, { code: 'cancelled' });
    while ((await sleepers(watcher, application)) === 0);
    controller.abort();
    return { refused };
  }

  async function sleepers(watcher: pg.Client, application: string): Promise<number> {
    const { rows } = await watcher.query<{ count: string }>(
      "select count(*) from pg_stat_activity where application_name = $1 and wait_event = 'PgSleep'",
      [application],
    );
    return Number(rows[0]?.count);
  }

  async function withClient(work: (client: pg.Client) => Promise<void>): Promise<void> {
    const client = new pg.Client(named(url, 'watcher'));
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  }

  /**
   * Hands everything on, but gives out `pid` as the number of every backend behind it, as a pooler
   * or another replica gives out numbers that mean something else on the server that is asked.
   */
  async function startPooler(pid: number): Promise<{
    readonly url: URL;
    /** When a connection after the first that asked something has ended. */
    readonly cancelled: Promise<void>;
    close(): Promise<void>;
  }> {
    const sockets = new Set<Socket>();
    let asked = 0;
    const cancel = new EventEmitter();
    const cancelled = once(cancel, 'over').then(() => undefined);
    const server = createServer((client) => {
      asked += 1;
      const mine = asked;
      const upstream = connect(Number(url.port === '' ? 5432 : url.port), url.hostname);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
      }
      client.pipe(upstream);
      upstream.on('data', (data: Buffer) => client.write(renumbered(data, pid)));
      upstream.on('end', () => client.end());
      upstream.on('close', () => {
        // The first looks for the extension, the second is the pool's.
        if (mine > 2) cancel.emit('over');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const place = new URL(url);
    place.host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    return {
      url: place,
      cancelled,
      async close() {
        for (const socket of sockets) socket.destroy();
        await new Promise((done) => server.close(done));
      },
    };
  }
}

/** With `pid` in its BackendKeyData message, if it holds one. */
function renumbered(data: Buffer, pid: number): Buffer {
  const at = data.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  if (at === -1) return data;
  const changed = Buffer.from(data);
  changed.writeInt32BE(pid, at + 5);
  return changed;
}

function named(url: URL, application: string): string {
  const named = new URL(url);
  named.searchParams.set('application_name', application);
  return named.href;
}
