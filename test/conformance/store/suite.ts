/** What every store must do: each promise of the port has a test here. */
import { after, before, describe } from 'node:test';
import type { OpenedStore } from '../../support/stores.js';
import { approximateTests } from './approximate.js';
import { collectionTests } from './collections.js';
import { concurrencyTests } from './concurrency.js';
import { documentTests } from './documents.js';
import { createContext } from './fixtures.js';
import { legTests } from './legs.js';
import { refusalTests } from './refusals.js';
import { statisticsTests } from './statistics.js';

/** One store for the whole suite: opening an embedded database takes seconds. */
export function storeConformance(name: string, open: () => Promise<OpenedStore>): void {
  describe(`store conformance: ${name}`, () => {
    let opened: OpenedStore | undefined;
    before(async () => {
      opened = await open();
    });
    after(async () => {
      await opened?.close();
    });
    const context = createContext(() => {
      if (opened === undefined) throw new Error('The store is not open');
      return opened.store;
    });
    collectionTests(context);
    documentTests(context);
    refusalTests(context);
    legTests(context);
    approximateTests(context);
    statisticsTests(context);
    concurrencyTests(context);
  });
}
