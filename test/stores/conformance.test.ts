import { storeConformance } from '../conformance/store/suite.js';
import { testStores } from '../support/stores.js';

for (const { name, open } of testStores()) storeConformance(name, open);
