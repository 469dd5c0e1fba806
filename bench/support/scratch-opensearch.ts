/** Indexes of a benchmark's own on the OpenSearch that it is given. */
import { randomUUID } from 'node:crypto';
import { Client } from '@opensearch-project/opensearch';
import { parseStoreUrl } from '../../src/config.js';

export interface ScratchIndexes {
  /** For the store, with a prefix of its own. */
  readonly url: string;
  /** What names of further indexes have to begin with. */
  readonly prefix: string;
  readonly engine: 'faiss' | 'lucene';
  /** For the peer, and for looking on. */
  readonly client: Client;
  /** `OpenSearch 3.6.0, engine lucene`. */
  readonly server: string;
}

const POLL_MS = 50;

/** Merges go on in the background: each side has to see its own through before the other's turn. */
export async function untilAtRest({ client, prefix }: ScratchIndexes): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    const { body } = await client.indices.stats({ index: `${prefix}*`, metric: 'merge' });
    quiet = (body._all.total.merges?.current ?? 0) === 0 ? quiet + 1 : 0;
    if (quiet < 2) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Removes every index of the prefix when `work` is over, however that ends. */
export async function withScratchIndexes<T>(
  server: string,
  work: (scratch: ScratchIndexes) => Promise<T>,
): Promise<T> {
  const prefix = `plumbline-bench-${randomUUID().slice(0, 8)}`;
  const url = new URL(server);
  url.searchParams.set('prefix', prefix);
  const location = parseStoreUrl(url.href);
  if (location.kind !== 'opensearch') throw new Error('Not the URL of an OpenSearch');
  const { node, username, password, engine } = location;
  const client = new Client({
    node,
    ...(username === null ? {} : { auth: { username, password: password ?? '' } }),
    requestTimeout: 600_000,
  });
  try {
    const { body } = await client.info();
    const name = `OpenSearch ${body.version.number}, engine ${engine}`;
    return await work({ url: url.href, prefix, engine, client, server: name });
  } finally {
    const { body } = await client.cat.indices({ index: `${prefix}*`, format: 'json' });
    for (const { index } of body as readonly { readonly index?: string }[]) {
      // A deletion before this one may only now come to its end: it waits for merges.
      if (index !== undefined) await client.indices.delete({ index }, { ignore: [404] });
    }
    await client.close();
  }
}
