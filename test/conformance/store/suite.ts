/** What every store must do: each check of the contract as a test. */
import { after, before, describe, it } from 'node:test';
import { lacking } from '../../../src/conformance/check.js';
import type { CheckGroup } from '../../../src/conformance/check.js';
import { createContext } from '../../../src/conformance/fixtures.js';
import { createMemoryStore } from '../../../src/stores/memory/index.js';
import type { OpenedStore } from '../../support/stores.js';

/** One store for the whole suite: opening an embedded database takes seconds. */
export function storeConformance(
  name: string,
  open: () => Promise<OpenedStore>,
  groups: readonly CheckGroup[],
): void {
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
    }, createMemoryStore);
    for (const group of groups) {
      describe(group.name, () => {
        for (const check of group.checks) {
          it(check.name, async (t) => {
            const reason = lacking(group.requires, context.store());
            // Skipped, and said so.
            if (reason === null) await check.run(context);
            else t.skip(reason);
          });
        }
      });
    }
  });
}
