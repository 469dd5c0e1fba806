/** TLS and IAM towards a server of the test's own: who is trusted, and with what a role logs in. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Signer } from '@aws-sdk/rds-signer';
import { RetrievalError } from '../../src/errors.js';
import type { SignerPlace } from '../../src/stores/pgvector/iam.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { PostgresqlConnection } from '../../src/stores/pgvector/index.js';
import { openPostgresql } from '../../src/stores/pgvector/postgresql.js';
import { databaseNames } from '../support/stores.js';
import { startServer } from './pgvector/server.js';
import type { TestServer } from './pgvector/server.js';

const TLS = ['ssl=on', 'ssl_cert_file=$FOLDER/server.crt', 'ssl_key_file=$FOLDER/server.key'];

if (databaseNames().includes('postgres')) {
  describe('logging in to PostgreSQL', () => {
    let server: TestServer;
    /** Without TLS, and with a CA of its own. */
    let plain: TestServer;

    before(async () => {
      [server, plain] = await Promise.all([startServer(TLS), startServer()]);
      await server.sql('create extension vector');
    });
    after(async () => {
      await Promise.all([server.remove(), plain.remove()]);
    });

    const urlOf = (query: string, host = 'localhost', user = 'postgres'): string =>
      `postgresql://${user}@${host}:${String(server.port)}/postgres${query}`;

    /** Opens a store there and answers whether its connections were encrypted. */
    const isEncrypted = async (url: string, more: Partial<PostgresqlConnection> = {}): Promise<boolean> => {
      const driver = await openPostgresql({ url, poolSize: 2, statementTimeoutMs: 10_000, ...more });
      try {
        const { rows } = await driver.pool.query<{ readonly ssl: boolean }>(
          'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
        );
        return rows[0]?.ssl === true;
      } finally {
        await driver.close();
      }
    };

    const refusalOf = async (
      url: string,
      more: Partial<PostgresqlConnection> = {},
    ): Promise<RetrievalError> => {
      const error: unknown = await isEncrypted(url, more).then(
        () => assert.fail('it connected'),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof RetrievalError, String(error));
      return error;
    };

    describe('TLS', () => {
      it('disable: without', async () => {
        assert.equal(await isEncrypted(urlOf('?sslmode=disable')), false);
      });

      it('verify-full: the CA and the name have to be right', async () => {
        const query = `?sslmode=verify-full&sslrootcert=${server.caFile}`;
        assert.equal(await isEncrypted(urlOf(query)), true);
        // The certificate is for "localhost".
        const error = await refusalOf(urlOf(query, '127.0.0.1'));
        assert.equal(error.code, 'store_unavailable');
        assert.match(error.message, /ERR_TLS_CERT_ALTNAME_INVALID/u);
      });

      it('verify-ca and require with a CA: the name may be another', async () => {
        for (const mode of ['verify-ca', 'require']) {
          const query = `?sslmode=${mode}&sslrootcert=${server.caFile}`;
          assert.equal(await isEncrypted(urlOf(query, '127.0.0.1')), true, mode);
        }
      });

      it('a CA that nobody named is not trusted, in any mode that checks', async () => {
        for (const mode of ['verify-full', 'verify-ca', 'require']) {
          const error = await refusalOf(urlOf(`?sslmode=${mode}&sslrootcert=${plain.caFile}`));
          assert.equal(error.code, 'store_unavailable', mode);
          assert.match(error.message, /certificate is not accepted/u, mode);
        }
        assert.match((await refusalOf(urlOf('?sslmode=verify-full'))).message, /not accepted/u);
      });

      it('no-verify: encrypted, towards anybody', async () => {
        assert.equal(await isEncrypted(urlOf('?sslmode=no-verify', '127.0.0.1')), true);
      });

      it('PLUMBLINE_POSTGRES_CA_FILE alone turns full verification on', async () => {
        const { caFile } = server;
        assert.equal(await isEncrypted(urlOf(''), { caFile }), true);
        assert.match((await refusalOf(urlOf('', '127.0.0.1'), { caFile })).message, /ALTNAME/u);
      });

      it('a CA file that is none says so', async () => {
        const wrong = join(server.folder, 'not-a-certificate');
        await writeFile(wrong, 'nothing');
        for (const file of [wrong, join(server.folder, 'missing')]) {
          const error = await refusalOf(urlOf(''), { caFile: file });
          assert.equal(error.code, 'invalid_config');
          assert.equal(error.field, 'PLUMBLINE_POSTGRES_CA_FILE');
        }
      });

      it('a server without TLS is not talked to in the clear', async () => {
        const url = `postgresql://postgres@localhost:${String(plain.port)}/postgres?sslmode=verify-full`;
        const error = await refusalOf(url);
        assert.equal(error.code, 'store_unavailable');
        assert.match(error.message, /no TLS/u);
      });
    });

    describe('IAM', () => {
      const region = 'eu-west-1';
      let token: string;
      let asked: number;
      let places: SignerPlace[];

      /** A new token, and the only one that the role is let in by. */
      const renewToken = async (): Promise<void> => {
        token = randomUUID();
        await server.sql(`alter role reader_by_token password '${token}'`);
      };
      const createSigner = (place: SignerPlace) => {
        places.push(place);
        return {
          getAuthToken() {
            asked += 1;
            return Promise.resolve(token);
          },
        };
      };

      before(async () => {
        await server.sql(
          'create role reader_by_token login; grant create on database postgres to reader_by_token',
        );
        await server.setLoginRules([
          'host all postgres 127.0.0.1/32 trust',
          'hostssl all reader_by_token 127.0.0.1/32 password',
        ]);
        await server.sql('select pg_reload_conf()');
      });

      const connect = (more: Partial<PostgresqlConnection> = {}) => ({
        caFile: server.caFile,
        authentication: { kind: 'iam', region, createSigner } as const,
        ...more,
      });

      it('a store works with a token for each new connection', async () => {
        asked = 0;
        places = [];
        await renewToken();
        const store = await openPgVectorStore({
          connection: {
            kind: 'postgresql',
            url: urlOf('', 'localhost', 'reader_by_token'),
            poolSize: 3,
            ...connect(),
          },
          statementTimeoutMs: 10_000,
        });
        try {
          await store.ping();
          assert.deepEqual(places, [
            { hostname: 'localhost', port: server.port, username: 'reader_by_token', region },
          ]);
          // One to look for the extension, one of the pool.
          assert.equal(asked, 2);
          await renewToken();
          // The connection that is there goes on without one.
          await store.ping();
          assert.equal(asked, 2);
          await server.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader_by_token'",
          );
          await store.ping();
          assert.equal(asked, 3);
        } finally {
          await store.close();
        }
      });

      it('without TLS it is refused, before a token is made', async () => {
        asked = 0;
        const url = urlOf('?sslmode=disable', 'localhost', 'reader_by_token');
        const error = await refusalOf(url, { authentication: connect().authentication });
        assert.equal(error.code, 'invalid_config');
        assert.equal(asked, 0);
      });

      it('a URL with a password, or without a user, is refused', async () => {
        for (const user of ['reader_by_token:secret', '']) {
          const url = urlOf('', 'localhost', user).replace('//@', '//');
          const error = await refusalOf(url, connect());
          assert.equal(error.code, 'invalid_config');
          assert.doesNotMatch(error.message, /secret/u);
        }
      });

      it('credentials that cannot be had are told without their values', async () => {
        const failing = () => ({
          getAuthToken: () =>
            Promise.reject(Object.assign(new Error('AKIASECRET'), { name: 'ExpiredToken' })),
        });
        const authentication = { kind: 'iam', region, createSigner: failing } as const;
        const url = urlOf('', 'localhost', 'reader_by_token');
        const error = await refusalOf(url, { caFile: server.caFile, authentication });
        assert.equal(error.code, 'store_unavailable');
        assert.match(error.message, /ExpiredToken/u);
        assert.doesNotMatch(JSON.stringify([error.message, error.details]), /AKIASECRET/u);
      });

      it('a wrong token is told as a refused login', async () => {
        const createSigner = () => ({ getAuthToken: () => Promise.resolve('wrong') });
        const authentication = { kind: 'iam', region, createSigner } as const;
        const url = urlOf('', 'localhost', 'reader_by_token');
        const error = await refusalOf(url, { caFile: server.caFile, authentication });
        assert.equal(error.code, 'store_error');
        assert.match(error.message, /28P01.*rds_iam/u);
      });
    });
  });
}

describe("the SDK's signer", () => {
  it('makes a token of the form that RDS takes, without a network', async () => {
    const signer = new Signer({
      hostname: 'db.example',
      port: 5432,
      username: 'ann',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
    });
    const token = await signer.getAuthToken();
    const url = new URL(`https://${token}`);
    assert.equal(url.host, 'db.example:5432');
    assert.equal(url.searchParams.get('Action'), 'connect');
    assert.equal(url.searchParams.get('DBUser'), 'ann');
    assert.equal(url.searchParams.get('X-Amz-Expires'), '900');
    assert.match(url.searchParams.get('X-Amz-Credential') ?? '', /^AKIAEXAMPLE\/\d{8}\/eu-west-1\/rds-db\//u);
  });
});
