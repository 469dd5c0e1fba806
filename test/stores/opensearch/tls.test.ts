/** Name and password over TLS: a proxy that asks for them before a real server. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '../../../src/config.js';
import type { Config } from '../../../src/config.js';
import type { RetrievalError } from '../../../src/errors.js';
import { hasCode } from '../../../src/errors.js';
import { openRuntime } from '../../../src/runtime.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import { ALL, PIN, createIn, specOf, vectorOf, writeOf } from '../../conformance/store/fixtures.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import type { TestPrefix } from '../../support/opensearch.js';
import { storeNames } from '../../support/stores.js';
import { makeCertificate } from './certificate.js';
import { startTlsProxy } from './tls-proxy.js';
import type { TlsProxy } from './tls-proxy.js';

const PASSWORD = 'p@ss/w:rd %';

if (storeNames().includes('opensearch')) {
  describe('opensearchs:// with a user', () => {
    const expected = `Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`;
    let place: TestPrefix;
    let folder: string;
    let caFile: string;
    let proxy: TlsProxy;

    before(async () => {
      place = makeTestPrefix();
      folder = await mkdtemp(join(tmpdir(), 'plumbline-test-'));
      const certificate = makeCertificate();
      caFile = join(folder, 'ca.pem');
      await writeFile(caFile, certificate.certificate);
      await writeFile(join(folder, 'other.pem'), makeCertificate().certificate);
      await writeFile(join(folder, 'none.pem'), 'no certificate');
      proxy = await startTlsProxy(place.options.node, certificate, ({ headers }) =>
        headers.authorization === expected ? null : { status: 401, body: 'Unauthorized' },
      );
    });
    after(async () => {
      await proxy.close();
      await rm(folder, { recursive: true });
      await place.remove();
    });

    const configOf = (password: string, ca: string | undefined, scheme = 'opensearchs'): Config =>
      loadConfig({
        PLUMBLINE_STORE_URL: `${scheme}://me:${encodeURIComponent(password)}@${proxy.host}?engine=lucene&prefix=${place.options.prefix}`,
        PLUMBLINE_OPENSEARCH_CA_FILE: ca,
      });
    const open = async (config: Config): Promise<void> => (await openRuntime(config)).close();

    it('works with the right password and the right authority', async () => {
      const { store: location, opensearch } = configOf(PASSWORD, caFile);
      assert.ok(location.kind === 'opensearch');
      const store = await openOpenSearchStore({ ...location, ...opensearch });
      try {
        const ref = await createIn(store, specOf({ name: 'secured' }));
        await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
        const { hits } = await store.vectorLeg(ref, { vector: vectorOf('engine'), k: 1, filter: ALL });
        assert.equal(hits[0]?.documentId, 'a');
      } finally {
        await store.close();
      }
      await open(configOf(PASSWORD, caFile));
    });

    it('refuses a wrong password, once and without telling it', async () => {
      const before = proxy.requests.length;
      await assert.rejects(open(configOf('wrong-secret', caFile)), (error: unknown) => {
        assert.ok(hasCode(error, 'store_error'));
        assert.equal(error.field, 'PLUMBLINE_STORE_URL');
        assert.match(error.message, /password/u);
        assertTellsNothing(error, ['wrong-secret']);
        return true;
      });
      assert.equal(proxy.requests.length, before + 1);
    });

    it('refuses a server whose authority it does not know, before the password is sent', async () => {
      for (const ca of [undefined, join(folder, 'other.pem')]) {
        const before = proxy.requests.length;
        await assert.rejects(open(configOf(PASSWORD, ca)), (error: unknown) => {
          assert.ok(hasCode(error, 'store_error'));
          assert.equal(error.field, 'PLUMBLINE_OPENSEARCH_CA_FILE');
          assert.match(error.message, /certificate/u);
          assertTellsNothing(error, [PASSWORD]);
          return true;
        });
        assert.equal(proxy.requests.length, before);
      }
    });

    it("refuses another host's certificate, and a server without TLS", async () => {
      const other = makeCertificate([127, 0, 0, 2]);
      const otherCa = join(folder, 'other-host.pem');
      await writeFile(otherCa, other.certificate);
      const elsewhere = await startTlsProxy(place.options.node, other, () => null);
      const plain = new URL(place.options.node).host;
      try {
        for (const host of [elsewhere.host, plain]) {
          const url = `opensearchs://me:secret-word@${host}`;
          const config = loadConfig({ PLUMBLINE_STORE_URL: url, PLUMBLINE_OPENSEARCH_CA_FILE: otherCa });
          await assert.rejects(open(config), (error: unknown) => {
            assert.ok(hasCode(error, 'store_error'));
            assert.equal(error.field, 'PLUMBLINE_OPENSEARCH_CA_FILE');
            assertTellsNothing(error, ['secret-word']);
            return true;
          });
        }
        assert.equal(elsewhere.requests.length, 0);
      } finally {
        await elsewhere.close();
      }
    });

    it('refuses a file without certificates, and one that TLS would not use', async () => {
      const wrong = [
        configOf(PASSWORD, join(folder, 'missing.pem')),
        configOf(PASSWORD, join(folder, 'none.pem')),
        configOf(PASSWORD, caFile, 'opensearch'),
      ];
      for (const config of wrong) {
        await assert.rejects(open(config), (error: unknown) => {
          assert.ok(hasCode(error, 'invalid_config'));
          assert.equal(error.field, 'PLUMBLINE_OPENSEARCH_CA_FILE');
          assertTellsNothing(error, [PASSWORD]);
          return true;
        });
      }
    });
  });
}

function assertTellsNothing(error: RetrievalError, secrets: readonly string[]): void {
  const texts = [error, error.cause].map((one) => `${String(one)} ${JSON.stringify(one)} ${inspected(one)}`);
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(`me:${secret}`).toString('base64')]) {
      assert.ok(!texts.join(' ').includes(form));
    }
  }
}

function inspected(value: unknown): string {
  return value instanceof Error ? `${value.message} ${value.stack ?? ''}` : '';
}
