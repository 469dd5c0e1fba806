/** One backend, with Plumbline's store and the peer's side by side on it. */
import { parseStoreUrl } from '../../../src/config.js';
import type { VectorStore } from '../../../src/stores/port.js';
import { DIMENSIONS } from '../../ann/vectors.js';
import { HNSW } from '../../load/corpus.js';
import { untilAtRest, withScratchIndexes } from '../../support/scratch-opensearch.js';
import { vectorFeatures } from '../../../src/stores/pgvector/versions.js';
import { withScratchDatabase } from '../../support/scratch.js';
import { withStore } from '../../support/store.js';
import { loadPeers } from './peer.js';
import type { Peer } from './peer.js';

export interface Backend {
  readonly kind: 'pgvector' | 'opensearch';
  readonly server: string;
  readonly store: VectorStore;
  readonly peer: Peer;
  /** Resolves when nothing goes on behind what was asked. */
  atRest(): Promise<void>;
  /** What an operator's server does by itself in time. */
  settle(): Promise<void>;
}

export async function withBackend<T>(url: string, work: (backend: Backend) => Promise<T>): Promise<T> {
  const location = parseStoreUrl(url);
  const peers = await loadPeers();
  const graph = { m: HNSW.m, efConstruction: HNSW.efConstruction };
  switch (location.kind) {
    case 'postgresql':
      return withScratchDatabase(url, (scratch) =>
        withStore(scratch.url, async (store) => {
          // The store restrains old versions of the extension; the peer gets the same.
          const workers = vectorFeatures(scratch.extension).parallelBuild ? 2 : 0;
          const peer = await peers.openPgVector({
            ...graph,
            url: withOptions(
              scratch.url,
              `-c max_parallel_maintenance_workers=${String(workers)} -c maintenance_work_mem=512MB`,
            ),
            dimensions: DIMENSIONS,
          });
          return closing(peer, () =>
            work({
              kind: 'pgvector',
              server: scratch.server,
              store,
              peer,
              atRest: () => Promise.resolve(),
              settle: async () => {
                await scratch.client.query('vacuum analyze');
              },
            }),
          );
        }),
      );
    case 'opensearch':
      return withScratchIndexes(url, (scratch) =>
        withStore(scratch.url, async (store) => {
          const { node, username, password, engine } = location;
          const peer = await peers.openOpenSearch({
            ...graph,
            node,
            ...(username === null ? {} : { auth: { username, password: password ?? '' } }),
            index: `${scratch.prefix}-langchain`,
            engine,
          });
          return closing(peer, () =>
            work({
              kind: 'opensearch',
              server: scratch.server,
              store,
              peer,
              atRest: () => untilAtRest(scratch),
              settle: () => untilAtRest(scratch),
            }),
          );
        }),
      );
    case 'memory':
    case 'pglite':
    case 'oracle':
      throw new Error('--store is a PostgreSQL or an OpenSearch');
    default:
      return location satisfies never;
  }
}

async function closing<T>(peer: Peer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await peer.close();
  }
}

function withOptions(url: string, options: string): string {
  const changed = new URL(url);
  changed.searchParams.set('options', options);
  return changed.href;
}
