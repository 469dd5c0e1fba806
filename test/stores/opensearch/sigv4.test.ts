/** Requests signed for AWS, checked by a proxy as AWS checks them, and then answered by a real server. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { parseStoreUrl } from '../../../src/config.js';
import type { RetrievalError } from '../../../src/errors.js';
import { hasCode } from '../../../src/errors.js';
import { connect } from '../../../src/stores/opensearch/connection.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';
import type { OpenSearchOptions } from '../../../src/stores/opensearch/index.js';
import type { AwsCredentials } from '../../../src/stores/opensearch/sigv4.js';
import { PIN, createIn, specOf, writeOf } from '../../conformance/store/fixtures.js';
import { makeTestPrefix } from '../../support/opensearch.js';
import type { TestPrefix } from '../../support/opensearch.js';
import { storeNames } from '../../support/stores.js';
import { makeCertificate } from './certificate.js';
import { startTlsProxy } from './tls-proxy.js';
import type { Received, Reply, TlsProxy } from './tls-proxy.js';

const REGION = 'eu-west-1';
const FOREVER: AwsCredentials = {
  accessKeyId: 'AKIDFIRST',
  secretAccessKey: 'first-secret/+',
  sessionToken: 'first-session',
};

if (storeNames().includes('opensearch')) {
  describe('opensearchs:// with auth=sigv4', () => {
    let place: TestPrefix;
    let folder: string;
    let proxy: TlsProxy;
    let service: 'es' | 'aoss';
    /** Whose signatures the proxy takes. */
    let valid: readonly AwsCredentials[];
    let failure: string | null;
    let serverless: boolean;

    before(async () => {
      place = makeTestPrefix();
      folder = await mkdtemp(join(tmpdir(), 'plumbline-test-'));
      const certificate = makeCertificate();
      await writeFile(join(folder, 'ca.pem'), certificate.certificate);
      proxy = await startTlsProxy(place.options.node, certificate, (request) => {
        const problem = problemOf(request, service, valid);
        failure ??= problem;
        if (problem !== null)
          return { status: 403, body: { message: 'The request signature does not match' } };
        return serverless ? serverlessAnswer(request) : null;
      });
    });
    after(async () => {
      await proxy.close();
      await rm(folder, { recursive: true });
      await place.remove();
    });
    beforeEach(() => {
      service = 'es';
      valid = [FOREVER];
      failure = null;
      serverless = false;
    });

    const optionsWith = (credentials?: () => Promise<AwsCredentials>): OpenSearchOptions => {
      const { prefix } = place.options;
      const url = `opensearchs://${proxy.host}?auth=sigv4&service=${service}&region=${REGION}&prefix=${prefix}&engine=lucene`;
      const location = parseStoreUrl(url);
      assert.ok(location.kind === 'opensearch' && location.aws !== null);
      const aws = { ...location.aws, ...(credentials === undefined ? {} : { credentials }) };
      return { ...location, aws, caFile: join(folder, 'ca.pem') };
    };

    for (const name of ['es', 'aoss'] as const) {
      it(`signs every request for ${name}, its body included`, async () => {
        service = name;
        const collection = `signed for ${name}`;
        const store = await openOpenSearchStore(optionsWith(() => Promise.resolve(FOREVER)));
        try {
          const ref = await createIn(store, specOf({ name: collection }));
          await store.putDocuments(ref, PIN, [writeOf('a', ['größe 漢字', 'engine'])]);
          const found = await store.keywordLeg(ref, { text: 'engine', k: 1, filter: { kind: 'all' } });
          assert.equal(found[0]?.documentId, 'a');
          await store.deleteCollection(collection);
        } finally {
          await store.close();
        }
        assert.equal(failure, null);
      });
    }

    it("takes credentials from the SDK's own chain", async () => {
      const before = { ...process.env };
      Object.assign(process.env, {
        AWS_ACCESS_KEY_ID: FOREVER.accessKeyId,
        AWS_SECRET_ACCESS_KEY: FOREVER.secretAccessKey,
        AWS_SESSION_TOKEN: FOREVER.sessionToken,
      });
      try {
        await (await openOpenSearchStore(optionsWith())).close();
      } finally {
        for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) {
          if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
          else process.env[name] = before[name];
        }
      }
      assert.equal(failure, null);
    });

    it('asks for new credentials when the old ones are about to expire, and not before', async () => {
      let asked = 0;
      const connection = connect(
        optionsWith(() => {
          asked += 1;
          const seconds = asked === 1 ? 30 : 3600;
          return Promise.resolve({
            accessKeyId: `AKID${String(asked)}`,
            secretAccessKey: `secret ${String(asked)}`,
            expiration: new Date(Date.now() + seconds * 1000),
          });
        }),
      );
      const ping = async (): Promise<void> => {
        await connection.send({ method: 'GET', path: '/' });
      };
      try {
        valid = [{ accessKeyId: 'AKID1', secretAccessKey: 'secret 1' }];
        await ping();
        valid = [{ accessKeyId: 'AKID2', secretAccessKey: 'secret 2' }];
        await ping();
        await ping();
      } finally {
        await connection.close();
      }
      assert.deepEqual([asked, failure], [2, null]);
    });

    it('refuses credentials that AWS refuses, once and without telling them', async () => {
      const wrong = {
        accessKeyId: 'AKIDWRONG',
        secretAccessKey: 'wrong-secret',
        sessionToken: 'wrong-session',
      };
      const before = proxy.requests.length;
      await assert.rejects(
        openOpenSearchStore(optionsWith(() => Promise.resolve(wrong))),
        (error: unknown) => {
          assert.ok(hasCode(error, 'store_error'));
          assert.equal(error.field, 'PLUMBLINE_STORE_URL');
          assert.match(error.message, /AWS credentials/u);
          assert.doesNotMatch(everythingIn(error), /wrong-se|AKIDWRONG|Signature=/u);
          return true;
        },
      );
      assert.equal(proxy.requests.length, before + 1);
    });

    it('says that there are no credentials, and not why', async () => {
      const missing = (): Promise<AwsCredentials> => Promise.reject(new Error('of profile private-name'));
      await assert.rejects(openOpenSearchStore(optionsWith(missing)), (error: unknown) => {
        assert.ok(hasCode(error, 'store_error'));
        assert.match(error.message, /no credentials/u);
        assert.doesNotMatch(everythingIn(error), /private-name/u);
        return true;
      });
    });

    it('ends at once when its caller goes while credentials are on their way', async () => {
      const controller = new AbortController();
      const connection = connect(
        optionsWith(() => {
          controller.abort();
          return new Promise(() => undefined);
        }),
      );
      await assert.rejects(connection.send({ method: 'GET', path: '/' }, { signal: controller.signal }), {
        code: 'cancelled',
      });
      await connection.close();
    });

    it('refuses Serverless before anything is written', async () => {
      for (const name of ['aoss', 'es'] as const) {
        service = name;
        serverless = true;
        const before = proxy.requests.length;
        await assert.rejects(
          openOpenSearchStore(optionsWith(() => Promise.resolve(FOREVER))),
          (error: unknown) =>
            hasCode(error, 'unsupported_capability') &&
            error.field === 'PLUMBLINE_STORE_URL' &&
            error.message.includes('Serverless'),
        );
        const sent = proxy.requests.slice(before).map(({ method, url }) => `${method} ${url}`);
        assert.deepEqual(sent, [`POST /${place.options.prefix}-catalog/_refresh?ignore_unavailable=true`]);
      }
      assert.equal(failure, null);
    });
  });
}

/** As a vector search collection answers what it does not have: empty, or by what it does not take. */
function serverlessAnswer({ method, url, body }: Received): Reply | null {
  const { pathname, searchParams } = new URL(url, 'https://serverless.invalid');
  const isIdWritten =
    /\/_doc\/|\/_create\/|\/_update\//u.test(pathname) && method !== 'GET' && method !== 'DELETE';
  if (pathname === '/' || /\/(?:_refresh|_delete_by_query|_update_by_query|_flush)$/u.test(pathname)) {
    return { status: 404 };
  }
  if (isIdWritten || (pathname.endsWith('/_bulk') && body.includes('"_id"'))) {
    const reason = 'Document ID is not supported in create/index operation request';
    return { status: 400, body: { error: { type: 'illegal_argument_exception', reason }, status: 400 } };
  }
  if (searchParams.get('refresh') === 'true') {
    const reason = 'true refresh policy is not supported.';
    return { status: 400, body: { error: { type: 'status_exception', reason }, status: 400 } };
  }
  return null;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<key>[^/]+)\/(?<scope>(?<day>\d{8})\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request), SignedHeaders=(?<names>[^,]+), Signature=(?<signature>[0-9a-f]{64})$/u;

/** What AWS would not take of a request; null when there is nothing. Signature Version 4, step by step. */
function problemOf(
  { method, url, headers, body }: Received,
  service: string,
  valid: readonly AwsCredentials[],
): string | null {
  const found = AUTHORIZATION.exec(headers.authorization ?? '')?.groups;
  if (found === undefined) return 'no signature';
  const { key, scope = '', day = '', names = '', signature } = found;
  const credentials = valid.find(({ accessKeyId }) => accessKeyId === key);
  if (credentials === undefined) return 'unknown key';
  if (found['region'] !== REGION || found['service'] !== service) return `signed for ${scope}`;
  if (headers['x-amz-security-token'] !== credentials.sessionToken) return 'another session token';
  const time = String(headers['x-amz-date']);
  if (!/^\d{8}T\d{6}Z$/u.test(time) || !time.startsWith(day)) return `date ${time}`;
  const bodyHash = hash(body);
  if (headers['x-amz-content-sha256'] !== bodyHash) return 'another body';
  const signed = names.split(';');
  for (const name of ['host', 'x-amz-content-sha256', 'x-amz-date']) {
    if (!signed.includes(name)) return `${name} is not signed`;
  }
  const [path = '', query = ''] = url.split('?');
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    query.split('&').filter(Boolean).toSorted().join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    bodyHash,
  ].join('\n');
  const steps = [...scope.split('/'), ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')];
  const expected = steps.reduce<Buffer | string>(
    (secret, step) => createHmac('sha256', secret).update(step).digest(),
    `AWS4${credentials.secretAccessKey}`,
  );
  return Buffer.from(expected).toString('hex') === signature ? null : `signature of ${method} ${url}`;
}

function hash(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** All but unreserved characters, of a path that is encoded already. */
function encode(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/gu,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function everythingIn(error: RetrievalError): string {
  const { cause } = error;
  return `${String(error)} ${JSON.stringify(error)} ${String(cause)} ${JSON.stringify(cause)} ${cause instanceof Error ? (cause.stack ?? '') : ''}`;
}
