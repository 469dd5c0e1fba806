/** A place of its own on the server, and two stores over it: one in order, and one whose server can be broken. */
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import type { VectorStore } from '../../../src/stores/port.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import type { TestPrefix } from '../../support/opensearch.js';
import { startFaultyServer } from './faulty-server.js';
import type { FaultyServer } from './faulty-server.js';

export interface FaultyPlace {
  readonly place: TestPrefix;
  readonly server: FaultyServer;
  readonly store: VectorStore;
  readonly faulty: VectorStore;
  /** Closes all of it, and removes what was kept. */
  close(): Promise<void>;
}

export async function openFaultyPlace(): Promise<FaultyPlace> {
  const place = makeTestPrefix();
  const server = await startFaultyServer(place.options.node);
  const store = await openOpenSearchStore(place.options);
  const faulty = await openOpenSearchStore({ ...place.options, node: server.node });
  return {
    place,
    server,
    store,
    faulty,
    async close() {
      await store.close();
      await faulty.close();
      await server.close();
      await place.remove();
    },
  };
}
