/** What the parameters of a PostgreSQL URL mean, above all for TLS. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { RetrievalError } from '../../src/errors.js';
import { parseServerUrl } from '../../src/stores/pgvector/server-url.js';
import type { UrlContext } from '../../src/stores/pgvector/server-url.js';

const CONTEXT: UrlContext = { setting: 'PLUMBLINE_STORE_URL', caFile: null, needsTls: false };
const BASE = 'postgresql://ann:secret%40word@db.example:6000/library';

function modeOf(query: string, context: Partial<UrlContext> = {}): string {
  return parseServerUrl(`${BASE}${query}`, { ...CONTEXT, ...context }).tls.mode;
}

function refusalOf(query: string, context: Partial<UrlContext> = {}): RetrievalError {
  try {
    parseServerUrl(`${BASE}${query}`, { ...CONTEXT, ...context });
  } catch (error) {
    assert.ok(error instanceof RetrievalError);
    assert.equal(error.code, 'invalid_config');
    assert.doesNotMatch(error.message, /secret/u);
    return error;
  }
  assert.fail(`${query} was accepted`);
}

describe('the URL of a PostgreSQL server', () => {
  it('its parts are decoded, and what is left out is left to the driver', () => {
    const { client } = parseServerUrl(`${BASE}?application_name=mine&options=-c%20geqo%3Doff`, CONTEXT);
    assert.deepEqual(client, {
      host: 'db.example',
      port: 6000,
      user: 'ann',
      password: 'secret@word',
      database: 'library',
      application_name: 'mine',
      options: '-c geqo=off',
    });
    assert.deepEqual(parseServerUrl('postgresql://db.example', CONTEXT).client, {
      host: 'db.example',
      application_name: 'plumbline',
    });
    assert.equal(parseServerUrl('postgresql://[::1]/x', CONTEXT).client.host, '::1');
    assert.equal(parseServerUrl('postgresql:///x?host=/run/pg', CONTEXT).client.host, '/run/pg');
  });

  it('sslmode has the meanings of libpq', () => {
    assert.equal(modeOf('?sslmode=disable'), 'none');
    assert.equal(modeOf('?sslmode=require&sslrootcert=/ca.pem'), 'verify-ca');
    assert.equal(modeOf('?sslmode=verify-ca&sslrootcert=/ca.pem'), 'verify-ca');
    assert.equal(modeOf('?sslmode=verify-full&sslrootcert=/ca.pem'), 'verify-full');
    assert.equal(modeOf('?sslmode=verify-full'), 'verify-full');
    assert.equal(modeOf('?sslmode=verify-full&sslrootcert=system'), 'verify-full');
  });

  it('what asks for TLS without a mode gets the strictest', () => {
    assert.equal(modeOf(''), 'unsaid');
    assert.equal(modeOf('?sslrootcert=/ca.pem'), 'verify-full');
    assert.equal(modeOf('?sslrootcert=system'), 'verify-full');
    assert.equal(modeOf('', { caFile: '/ca.pem' }), 'verify-full');
    assert.equal(modeOf('', { needsTls: true }), 'verify-full');
  });

  it('a certificate goes unchecked only where that is said in so many words', () => {
    assert.equal(modeOf('?sslmode=no-verify'), 'unverified');
    assert.match(refusalOf('?sslmode=require').message, /any certificate/u);
    assert.match(refusalOf('?sslmode=require&sslrootcert=system').message, /any certificate/u);
    assert.match(refusalOf('?sslmode=verify-ca').message, /needs the CA/u);
    assert.match(refusalOf('?sslmode=no-verify', { caFile: '/ca.pem' }).message, /contradicts/u);
  });

  it('TLS is not left out by half', () => {
    assert.match(refusalOf('?sslmode=prefer').message, /without TLS/u);
    assert.match(refusalOf('?sslmode=disable', { caFile: '/ca.pem' }).message, /contradicts/u);
    assert.match(refusalOf('?sslmode=disable', { needsTls: true }).message, /IAM/u);
    // A mistyped name would have been no TLS at all.
    assert.match(refusalOf('?ssl_mode=verify-full').message, /ssl_mode/u);
    assert.match(refusalOf('?ssl=true').message, /sslmode/u);
  });

  it("the URL's CA goes before the setting's", () => {
    const context = { ...CONTEXT, caFile: '/setting.pem' };
    assert.equal(parseServerUrl(`${BASE}?sslrootcert=/url.pem`, context).tls.caFile, '/url.pem');
    assert.equal(parseServerUrl(BASE, context).tls.caFile, '/setting.pem');
  });

  it('a password with a bare percent sign is named, not repeated', () => {
    assert.throws(
      () => parseServerUrl('postgresql://ann:100%@db.example/x', CONTEXT),
      (error) =>
        error instanceof RetrievalError && error.message.includes('%25') && !error.message.includes('100'),
    );
  });
});

describe('settings of PostgreSQL', () => {
  const url = 'postgresql://ann@db.example/x';

  it('a reader is for PostgreSQL only', () => {
    const config = loadConfig({ PLUMBLINE_STORE_URL: url, PLUMBLINE_STORE_READER_URL: url });
    assert.equal(config.postgres.readerUrl, url);
    for (const [store, reader] of [
      ['memory:', url],
      [url, 'memory:'],
    ]) {
      assert.throws(
        () => loadConfig({ PLUMBLINE_STORE_URL: store, PLUMBLINE_STORE_READER_URL: reader }),
        (error) => error instanceof RetrievalError && error.field === 'PLUMBLINE_STORE_READER_URL',
      );
    }
  });

  it('IAM needs a region', () => {
    assert.throws(
      () => loadConfig({ PLUMBLINE_STORE_URL: url, PLUMBLINE_POSTGRES_AUTH: 'iam' }),
      (error) => error instanceof RetrievalError && error.field === 'PLUMBLINE_POSTGRES_REGION',
    );
    const iam = { PLUMBLINE_STORE_URL: url, PLUMBLINE_POSTGRES_AUTH: 'iam' };
    assert.deepEqual(loadConfig({ ...iam, AWS_REGION: 'eu-west-1' }).postgres.authentication, {
      kind: 'iam',
      region: 'eu-west-1',
    });
    assert.deepEqual(
      loadConfig({ ...iam, AWS_REGION: 'eu-west-1', PLUMBLINE_POSTGRES_REGION: 'us-east-1' }).postgres
        .authentication,
      { kind: 'iam', region: 'us-east-1' },
    );
  });
});
