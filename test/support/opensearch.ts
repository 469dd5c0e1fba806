/** The OpenSearch server that tests run on; each place in it has a prefix of its own. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { parseStoreUrl } from '../../src/config.js';
import { openOpenSearchStore } from '../../src/stores/opensearch/index.js';
import type { OpenSearchOptions } from '../../src/stores/opensearch/index.js';
import type { OpenedStore } from './stores.js';

export interface TestPrefix {
  /** As in `PLUMBLINE_STORE_URL`. */
  readonly url: string;
  readonly options: OpenSearchOptions;
  /** Removes all indexes of the prefix. */
  readonly remove: () => Promise<void>;
}

export function makeTestPrefix(): TestPrefix {
  const server = process.env['PLUMBLINE_TEST_OPENSEARCH_URL'];
  if (server === undefined || server === '') {
    throw new Error('The opensearch store needs PLUMBLINE_TEST_OPENSEARCH_URL');
  }
  const url = new URL(server);
  url.searchParams.set('prefix', `test-${randomUUID()}`);
  const options = openSearchOptions(url.href);
  return { url: url.href, options, remove: () => removeIndexes(options) };
}

export function openSearchOptions(url: string): OpenSearchOptions {
  const location = parseStoreUrl(url);
  if (location.kind !== 'opensearch')
    throw new Error('PLUMBLINE_TEST_OPENSEARCH_URL is no opensearch:// URL');
  return location;
}

export async function openTestOpenSearch(): Promise<OpenedStore> {
  const { options, remove } = makeTestPrefix();
  const store = await openOpenSearchStore(options);
  return {
    store,
    async close() {
      await store.close();
      await remove();
    },
  };
}

/** Copies all indexes of one prefix to another; those copied from are not written to any more. */
export async function cloneIndexes(from: OpenSearchOptions, to: OpenSearchOptions): Promise<void> {
  const indexes = aliasesSchema.parse(await ask(from, 'GET', `/${from.prefix}-*/_alias`));
  await ask(from, 'PUT', `/${from.prefix}-*/_settings`, { 'index.blocks.write': true });
  const renamed = (name: string): string => name.replace(from.prefix, to.prefix);
  for (const [name, { aliases }] of Object.entries(indexes)) {
    await ask(from, 'POST', `/${name}/_clone/${renamed(name)}`, {
      settings: { 'index.blocks.write': false },
      aliases: Object.fromEntries(Object.keys(aliases).map((alias) => [renamed(alias), {}])),
    });
  }
}

const aliasesSchema = z.record(z.string(), z.object({ aliases: z.record(z.string(), z.unknown()) }));

async function removeIndexes(options: OpenSearchOptions): Promise<void> {
  await ask(options, 'DELETE', `/${options.prefix}-*`);
}

async function ask(
  { node, username, password }: OpenSearchOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  const response = await fetch(`${node}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(username === null ? {} : { authorization: `Basic ${credentials}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${await response.text()}`);
  return response.json();
}
