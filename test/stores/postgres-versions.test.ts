/** What Plumbline does with which version of pgvector, and that it works on an older one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { storeChecks } from '../../src/conformance/checks.js';
import { hasCode } from '../../src/errors.js';
import { openStoreOver } from '../../src/stores/pgvector/index.js';
import { sessionSettings } from '../../src/stores/pgvector/session-settings.js';
import { vectorFeatures } from '../../src/stores/pgvector/versions.js';
import { storeConformance } from '../conformance/store/suite.js';
import { databaseNames } from '../support/stores.js';
import { openOldPglite } from './pgvector/old-pglite.js';

describe('versions of pgvector', () => {
  it('each has its features', () => {
    const table = [
      '0.4.4',
      '0.5.0',
      '0.5.1',
      '0.6.2',
      '0.7.0',
      '0.7.4',
      '0.8.0',
      '0.8.1',
      '0.8.2',
      '0.10.0',
      '1.0',
    ];
    const marks = table.map((version) => {
      const { supported, halfvec, iterativeScan, parallelBuild } = vectorFeatures(version);
      return [version, [supported, halfvec, iterativeScan, parallelBuild].map(Number).join('')];
    });
    assert.deepEqual(Object.fromEntries(marks), {
      '0.4.4': '0000',
      '0.5.0': '1000',
      '0.5.1': '1000',
      '0.6.2': '1000',
      '0.7.0': '1100',
      '0.7.4': '1100',
      '0.8.0': '1110',
      '0.8.1': '1110',
      '0.8.2': '1111',
      '0.10.0': '1111',
      '1.0': '1111',
    });
  });

  it('a session is set to what its version has', () => {
    assert.doesNotMatch(sessionSettings(1, vectorFeatures('0.7.4')), /iterative_scan|scan_mem/u);
    assert.match(sessionSettings(1, vectorFeatures('0.8.0')), /hnsw\.iterative_scan = relaxed_order/u);
  });

  it('one that is too old is refused with what to do', async () => {
    const driver = await openOldPglite();
    await assert.rejects(
      openStoreOver({ ...driver, features: vectorFeatures('0.4.4') }),
      (error) => hasCode(error, 'store_error') && /0\.4\.4.*0\.5.*alter extension/u.test(error.message),
    );
  });
});

if (databaseNames().includes('pglite')) {
  // Every check of the contract, on an extension without iterative scans: a filter still starves no query.
  storeConformance(
    'pglite with pgvector 0.7',
    async () => {
      const driver = await openOldPglite();
      assert.match(driver.features.version, /^0\.7\./u);
      const store = await openStoreOver(driver);
      return { store, close: () => store.close() };
    },
    storeChecks({ collections: 20, documentBytes: 262_144 }),
  );
}
