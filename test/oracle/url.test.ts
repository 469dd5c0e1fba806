import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStoreUrl } from '../../src/config.js';

const DEFAULTS = { poolMin: 0, poolMax: 10, callTimeoutMs: 30_000 };

describe("an Oracle store's URL", () => {
  const good: readonly (readonly [string, object])[] = [
    [
      'oracle://scott:tiger@db.internal:1522/FREEPDB1',
      { ...DEFAULTS, user: 'scott', password: 'tiger', connectString: 'db.internal:1522/FREEPDB1' },
    ],
    [
      'oracle://scott:p%40ss%2Fword@db/FREEPDB1?poolMin=1&poolMax=4&callTimeout=500&prefix=other',
      {
        user: 'scott',
        password: 'p@ss/word',
        connectString: 'db:1521/FREEPDB1',
        poolMin: 1,
        poolMax: 4,
        callTimeoutMs: 500,
        prefix: 'other',
      },
    ],
    [
      'oracle://scott:tiger@db:2484/pdb?protocol=tcps&walletLocation=/wallet&walletPassword=w',
      {
        ...DEFAULTS,
        user: 'scott',
        password: 'tiger',
        connectString: 'tcps://db:2484/pdb',
        walletLocation: '/wallet',
        walletPassword: 'w',
      },
    ],
    [
      'oracle://scott:tiger@mydb_high?configDir=/admin',
      { ...DEFAULTS, user: 'scott', password: 'tiger', connectString: 'mydb_high', configDir: '/admin' },
    ],
    [
      'oracle://scott:tiger@any?connectString=(DESCRIPTION%3D(ADDRESS%3Dx))',
      { ...DEFAULTS, user: 'scott', password: 'tiger', connectString: '(DESCRIPTION=(ADDRESS=x))' },
    ],
  ];
  for (const [url, options] of good) {
    it(`is read: ${url}`, () => {
      assert.deepEqual(parseStoreUrl(url), { kind: 'oracle', options });
    });
  }

  for (const url of [
    'oracle://',
    'oracle://db:1521/FREEPDB1',
    'oracle://scott@db:1521/FREEPDB1',
    'oracle://scott:tiger@db:1521',
    'oracle://scott:tiger@db:1521/FREEPDB1?poolMax=0',
    'oracle://scott:tiger@db:1521/FREEPDB1?poolMin=5&poolMax=2',
    'oracle://scott:tiger@db:1521/FREEPDB1?unknown=1',
    'oracle://scott:tiger@db:1521/FREEPDB1?prefix=Drop%20Table',
    'oracle://scott:tiger%zz@db:1521/FREEPDB1',
  ]) {
    it(`is refused, without its password: ${url}`, () => {
      assert.throws(
        () => parseStoreUrl(url),
        (error: unknown) =>
          error instanceof Error &&
          'code' in error &&
          error.code === 'invalid_config' &&
          !error.message.includes('tiger'),
      );
    });
  }
});
