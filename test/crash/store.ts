/** Opens a durable store by URL, as the configuration would. */
import { parseStoreUrl } from '../../src/config.js';
import { openOpenSearchStore } from '../../src/stores/opensearch/index.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';

export async function openCrashStore(url: string): Promise<VectorStore> {
  const location = parseStoreUrl(url);
  switch (location.kind) {
    case 'opensearch':
      return openOpenSearchStore(location);
    case 'postgresql':
      return openPgVectorStore({ connection: { ...location, poolSize: 4 }, statementTimeoutMs: 30_000 });
    case 'pglite':
      return openPgVectorStore({ connection: location, statementTimeoutMs: 30_000 });
    default:
      throw new Error(`The ${location.kind} store has no kill test`);
  }
}
