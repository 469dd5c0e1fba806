/** Two processes' worth of one store, where it has room for two. */
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import { openPgVectorStore } from '../../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../../src/stores/port.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import { makeTestDatabase, testStores } from '../../support/stores.js';
import type { StoreName } from '../../support/stores.js';

export interface OpenedPair {
  readonly stores: readonly [VectorStore, VectorStore];
  close(): Promise<void>;
}

const STATEMENT_TIMEOUT_MS = 60_000;

/** The same one twice where a second cannot be opened: in memory, and in an embedded database. */
export async function openPair(name: StoreName): Promise<OpenedPair> {
  switch (name) {
    case 'postgres': {
      const { connection, remove } = await makeTestDatabase(name);
      const open = (): Promise<VectorStore> =>
        openPgVectorStore({ connection, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
      // One after the other: the first makes the tables.
      return pairOf([await open(), await open()], remove);
    }
    case 'opensearch': {
      const { options, remove } = makeTestPrefix();
      return pairOf([await openOpenSearchStore(options), await openOpenSearchStore(options)], remove);
    }
    default: {
      const opened = await testStores()
        .find((store) => store.name === name)
        ?.open();
      if (opened === undefined) throw new Error(`The ${name} store was not asked for`);
      return { stores: [opened.store, opened.store], close: () => opened.close() };
    }
  }
}

function pairOf(stores: OpenedPair['stores'], remove: () => Promise<void>): OpenedPair {
  return {
    stores,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await remove();
    },
  };
}
