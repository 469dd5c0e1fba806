/**
 * The connection is lost in the middle of an ingest: all backends are ended, the server crashes and
 * comes back, or another one takes over. Nothing that was acknowledged is lost, and the outcome is
 * that of an uninterrupted run (which the memory store makes).
 */
import assert from 'node:assert/strict';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { hasCode } from '../../src/errors.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { PIN, createIn, specOf, writeOf } from '../conformance/store/fixtures.js';
import { crashCorpus } from '../crash/corpus.js';
import { assertSameSnapshot, openFake, snapshot } from '../crash/snapshot.js';
import type { Snapshot } from '../crash/snapshot.js';
import { createRandom } from '../support/random.js';
import { databaseNames } from '../support/stores.js';
import { caughtUp, startServer, startStandby } from './pgvector/server.js';
import type { TestServer } from './pgvector/server.js';
import { countingStatements } from './pgvector/statements.js';

const TERMINATIONS = 24;
const CRASHES = 5;

if (databaseNames().includes('postgres')) {
  describe('an ingest whose connection is lost', () => {
    let server: TestServer;
    let expected: Snapshot;
    let statements: number;
    let databases = 0;

    /** A store over a copy of one prepared collection, and what drops it. */
    const openCopy = async (
      reconnectMs: number,
    ): Promise<{ readonly store: VectorStore; readonly name: string }> => {
      databases += 1;
      const name = `copy_${String(databases)}`;
      await server.sql(`create database ${name} template prepared`);
      return { store: await openAt(name, reconnectMs), name };
    };
    const openAt = (name: string, reconnectMs: number): Promise<VectorStore> =>
      openPgVectorStore({
        connection: {
          kind: 'postgresql',
          url: server.url.replace(/postgres$/u, name),
          poolSize: 4,
          reconnectMs,
        },
        statementTimeoutMs: 30_000,
      });
    /** Ingests the second state; `strike` is called at that statement, in the middle of a batch. */
    const ingest = async (store: VectorStore, at: number, strike: () => Promise<void>): Promise<number> => {
      const runtime = await openFake(store);
      const counting = countingStatements(at, strike);
      try {
        await runtime.ingest('machines', crashCorpus('second'), { prune: true });
      } finally {
        await counting.end();
      }
      assertSameSnapshot(await snapshot(runtime), expected);
      return counting.count();
    };

    before(async () => {
      const reference = await openFake(createMemoryStore());
      await reference.catalog.createCollection({ name: 'machines', embedder: 'fake' });
      await reference.ingest('machines', crashCorpus('first'));
      await reference.ingest('machines', crashCorpus('second'), { prune: true });
      expected = await snapshot(reference);

      server = await startServer();
      await server.sql('create database prepared');
      const prepared = await openFake(await openAt('prepared', 0));
      await prepared.catalog.createCollection({ name: 'machines', embedder: 'fake' });
      await prepared.ingest('machines', crashCorpus('first'));
      await prepared.close();
      const { store } = await openCopy(0);
      statements = await ingest(store, Infinity, () => Promise.resolve());
      await store.close();
      assert.ok(statements > TERMINATIONS, `only ${String(statements)} statements`);
    });
    after(() => server.remove());

    const random = createRandom(11);
    /** One statement out of each of so many equal stretches of a run. */
    const moment = (index: number, of: number): number =>
      1 + Math.floor(((index + random.next()) / of) * (statements - 1));

    for (let index = 0; index < TERMINATIONS; index += 1) {
      it(`all backends are ended, moment ${String(index + 1)} of ${String(TERMINATIONS)}`, async () => {
        const { store, name } = await openCopy(10_000);
        await ingest(store, moment(index, TERMINATIONS), async () => {
          await server.sql(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
          );
        });
        await store.close();
      });
    }

    for (let index = 0; index < CRASHES; index += 1) {
      it(`the server crashes and comes back, moment ${String(index + 1)} of ${String(CRASHES)}`, async () => {
        const { store } = await openCopy(60_000);
        await ingest(store, moment(index, CRASHES), async () => {
          await server.stop('immediate');
          await server.start();
        });
        await store.close();
      });
    }

    it('a server that stays away fails the ingest; what was acknowledged is there, and a rerun ends it', async () => {
      const { store, name } = await openCopy(0);
      const acknowledged: string[] = [];
      const runtime = await openFake({
        ...store,
        async putDocuments(ref, pin, documents, options) {
          await store.putDocuments(ref, pin, documents, options);
          acknowledged.push(...documents.map(({ document }) => document.id));
        },
      });
      const counting = countingStatements(Math.floor(statements / 2), () => server.stop('immediate'));
      try {
        await assert.rejects(runtime.ingest('machines', crashCorpus('second'), { prune: true }), (error) =>
          hasCode(error, 'store_unavailable'),
        );
      } finally {
        await counting.end();
        await server.start();
      }
      const again = await openAt(name, 0);
      const generation = (await again.getCollection('machines'))?.generation.id ?? NaN;
      const ref = { collection: 'machines', generation };
      const hashes = await again.contentHashes(ref, acknowledged);
      assert.equal(hashes.size, acknowledged.length);
      await ingest(again, Infinity, () => Promise.resolve());
      await again.close();
      await store.close();
    });

    it('a caller who gives up while the server is away is told so', async () => {
      const { store } = await openCopy(60_000);
      const abort = new AbortController();
      await server.stop('immediate');
      try {
        const creating = store.createCollection(specOf({ name: 'never' }), { signal: abort.signal });
        setImmediate(() => {
          abort.abort();
        });
        await assert.rejects(creating, (error) => hasCode(error, 'cancelled'));
      } finally {
        await server.start();
      }
      await store.close();
    });
  });

  describe('a failover', () => {
    let primary: TestServer;
    let standby: TestServer;
    let endpoint: Endpoint;

    before(async () => {
      primary = await startServer();
      await primary.sql('create extension vector');
      standby = await startStandby(primary);
      endpoint = await openEndpoint(primary.port);
    });
    after(async () => {
      endpoint.close();
      await standby.remove();
      await primary.remove();
    });

    it('writes go on at the new writer, though the pool holds connections to the old one', async () => {
      const random = createRandom(13);
      const write = (id: string) => writeOf(id, ['engine'], { vectors: [random.vector(PIN.dimensions)] });
      const url = primary.url.replace(String(primary.port), String(endpoint.port));
      const store = await openPgVectorStore({
        connection: { kind: 'postgresql', url, poolSize: 8, reconnectMs: 0 },
        statementTimeoutMs: 10_000,
      });
      try {
        const ref = await createIn(store, specOf({ name: 'failover' }));
        await store.putDocuments(ref, PIN, [write('a')]);
        // More connections than a call has attempts.
        await Promise.all(Array.from({ length: 8 }, () => store.ping()));
        assert.equal(endpoint.connections(), 8 + 1);
        await caughtUp(primary, standby);
        await standby.promote();
        // The old writer lives on, and only reads.
        await primary.sql('alter system set default_transaction_read_only = on');
        await primary.sql('select pg_reload_conf()');
        endpoint.leadTo(standby.port);

        await store.putDocuments(ref, PIN, [write('b')]);
        const found = await standby.sql(
          `select distinct document_id from plumbline.g${String(ref.generation)}_chunks order by 1`,
        );
        assert.deepEqual(
          found.map((row) => row['document_id']),
          ['a', 'b'],
        );
      } finally {
        await store.close();
      }
    });
  });
}

interface Endpoint {
  readonly port: number;
  /** How many were made so far. */
  connections(): number;
  /** New connections go there; those that are there stay where they are. */
  leadTo(port: number): void;
  close(): void;
}

/** An address that another server can take over, as a cluster's endpoint is. */
async function openEndpoint(first: number): Promise<Endpoint> {
  let target = first;
  let count = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    count += 1;
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    leadTo(port) {
      target = port;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
