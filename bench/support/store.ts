/** Opens a store by its URL, as the service does. */
import { loadConfig } from '../../src/config.js';
import { openOpenSearchStore } from '../../src/stores/opensearch/index.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';

export async function withStore<T>(url: string, work: (store: VectorStore) => Promise<T>): Promise<T> {
  const store = await openStore(url);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export function openStore(url: string): Promise<VectorStore> {
  const { store, postgres } = loadConfig({ ...process.env, PLUMBLINE_STORE_URL: url });
  switch (store.kind) {
    case 'pglite':
      return openPgVectorStore({ connection: store, statementTimeoutMs: postgres.statementTimeoutMs });
    case 'postgresql':
      return openPgVectorStore({
        connection: { ...store, poolSize: postgres.poolSize },
        statementTimeoutMs: postgres.statementTimeoutMs,
      });
    case 'opensearch':
      return openOpenSearchStore(store);
    default:
      throw new Error(`There is no benchmark of the ${store.kind} store`);
  }
}
