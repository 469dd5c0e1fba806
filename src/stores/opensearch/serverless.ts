/** What Amazon OpenSearch Serverless lacks (docs/opensearch.md), found out before anything is written. */
import { RetrievalError } from '../../errors.js';
import type { Connection } from './connection.js';

/**
 * A write shows as a whole because one refresh shows it. A server that has no refresh has no documents
 * under ids of ours either: nothing of what the store promises can be kept there.
 * @throws RetrievalError `unsupported_capability`
 */
export async function assertRefreshes(connection: Connection, index: string): Promise<void> {
  const { status } = await connection.send(
    // Does nothing where the index is missing, so that only a missing API is a 404.
    { method: 'POST', path: `/${index}/_refresh`, query: { ignore_unavailable: true } },
    {},
    [404],
  );
  if (status !== 404) return;
  throw new RetrievalError(
    'unsupported_capability',
    'This OpenSearch has no _refresh, as Amazon OpenSearch Serverless has none; without it a write cannot be shown as a whole. Name an OpenSearch cluster or an Amazon OpenSearch Service domain',
    { field: 'PLUMBLINE_STORE_URL', details: { missing: ['_refresh'] } },
  );
}
