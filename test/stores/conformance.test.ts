import { FULL_SIZES, storeChecks } from '../../src/conformance/checks.js';
import { storeConformance } from '../conformance/store/suite.js';
import { testStores } from '../support/stores.js';
import type { StoreName } from '../support/stores.js';

/** Where a collection takes a third of a second to make; `plumbline conformance` makes all of them there too. */
const SLOW: readonly StoreName[] = ['opensearch', 'oracle-double', 'oracle'];
const COLLECTIONS_WHERE_SLOW = 50;

for (const { name, open } of testStores()) {
  const sizes = SLOW.includes(name) ? { ...FULL_SIZES, collections: COLLECTIONS_WHERE_SLOW } : FULL_SIZES;
  storeConformance(name, open, storeChecks(sizes));
}
