/** A store whose way to its server can be cut in the middle of a call. */
import { openOpenSearchStore } from '../../src/stores/opensearch/index.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { startFaultyServer } from '../stores/opensearch/faulty-server.js';
import { openSearchOptions } from '../support/opensearch.js';
import { openCuttingProxy } from './cutting-proxy.js';

/** Which way of the traffic is counted: what is asked, or what is answered. */
export type Counted = 'asked' | 'answered';

export interface Cuttable {
  readonly store: VectorStore;
  /** How much of it there was so far. */
  traffic(counted: Counted): number;
  /** Cuts after so much more of it. */
  cutAfter(counted: Counted, amount: number): void;
  /** Answers whether it was cut. */
  repair(): boolean;
  /** What was lost on its way arrives after all, where that can be. */
  deliverLate(): Promise<void>;
  /** The way; the store is its user's to close. */
  close(): Promise<void>;
}

export const CUTTABLE = { postgres: openPostgres, opensearch: openOpenSearch } as const;

async function openPostgres(address: string): Promise<Cuttable> {
  const url = new URL(address);
  const proxy = await openCuttingProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${String(proxy.port)}`;
  const store = await openPgVectorStore({
    connection: { kind: 'postgresql', url: url.href, poolSize: 4, reconnectMs: 0 },
    statementTimeoutMs: 30_000,
  });
  const directionOf = (counted: Counted): 'up' | 'down' => (counted === 'asked' ? 'up' : 'down');
  return {
    store,
    traffic: (counted) => proxy.bytes(directionOf(counted)),
    cutAfter(counted, amount) {
      proxy.cutAfter(directionOf(counted), amount);
    },
    repair: () => proxy.repair(),
    deliverLate: () => Promise.resolve(),
    close: () => proxy.close(),
  };
}

/** By requests: of one that is lost the server has seen nothing, of a lost answer all. */
async function openOpenSearch(address: string): Promise<Cuttable> {
  const options = openSearchOptions(address);
  const server = await startFaultyServer(options.node);
  const store = await openOpenSearchStore({ ...options, node: server.node });
  let breaksAt = Infinity;
  return {
    store,
    // Counts on: nothing is broken while it is asked.
    traffic: () => server.repair(),
    cutAfter(counted, amount) {
      breaksAt = Math.max(1, amount);
      server.breakAt(breaksAt, counted === 'asked' ? 'request' : 'answer');
    },
    repair: () => server.repair() >= breaksAt,
    deliverLate: () => server.deliverLate(),
    close: () => server.close(),
  };
}
