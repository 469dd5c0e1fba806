/** Opens a durable store by URL, as the configuration would. */
import { parseStoreUrl } from '../../src/config.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';

export async function openCrashStore(url: string): Promise<VectorStore> {
  const location = parseStoreUrl(url);
  if (location.kind === 'memory') throw new Error('A memory store does not outlive its process');
  return openPgVectorStore({
    connection: location.kind === 'postgresql' ? { ...location, poolSize: 4 } : location,
    statementTimeoutMs: 30_000,
  });
}
