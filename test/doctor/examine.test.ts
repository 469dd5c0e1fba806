/** The doctor on real servers on which something is wrong. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import pg from 'pg';
import type { Finding } from '../../src/doctor/types.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { runInProcess } from '../cli/support.js';
import { PIN, createIn, specOf } from '../conformance/store/fixtures.js';
import { makeFolder } from '../ingest/sources/support.js';
import { makeTestPrefix } from '../support/opensearch.js';
import { databaseNames, makeTestDatabase, storeNames } from '../support/stores.js';

interface Answer {
  readonly problems: number;
  readonly warnings: number;
  readonly findings: readonly Finding[];
}

async function examine(url: string): Promise<Answer & { readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await runInProcess(['doctor', '--json', '--store', url]);
  assert.equal(stderr, '');
  return { ...(JSON.parse(stdout) as Answer), code, text: stdout };
}

const inArea = ({ findings }: Answer, area: string): readonly Finding[] =>
  findings.filter((finding) => finding.area === area);

describe('doctor: pglite', { skip: !databaseNames().includes('pglite') }, () => {
  test('a folder that is not there yet is no problem, and is not made', async (t) => {
    const folder = await makeFolder(t, {});
    const answer = await examine(`pglite:${join(folder, 'data')}`);
    assert.equal(answer.code, 0);
    assert.match(inArea(answer, 'data folder')[0]?.what ?? '', /not there yet/u);
    assert.match(
      inArea(await examine(`pglite:${join(folder, 'data')}`), 'data folder')[0]?.what ?? '',
      /not there yet/u,
    );
  });

  test('a folder in use, and then its collections with models that are not known', async (t) => {
    const { connection, remove } = await makeTestDatabase('pglite');
    t.after(remove);
    assert.ok(connection.kind === 'pglite');
    const url = `pglite:${connection.folder}`;
    const store = await openPgVectorStore({ connection, statementTimeoutMs: 10_000 });
    try {
      await createIn(store, specOf({ name: 'handbook', pin: PIN }));
      const locked = await examine(url);
      assert.equal(locked.code, 1);
      assert.match(inArea(locked, 'store')[0]?.what ?? '', /data_folder_in_use/u);
    } finally {
      await store.close();
    }
    const answer = await examine(url);
    assert.deepEqual(
      inArea(answer, 'collection handbook').map(({ level }) => level),
      ['problem'],
    );
    assert.deepEqual(
      answer.findings.filter(({ area, level }) => !area.startsWith('collection') && level === 'problem'),
      [],
    );
  });
});

describe('doctor: postgres', { skip: !databaseNames().includes('postgres') }, () => {
  test('a role that may create nothing, with little memory and few connections', async (t) => {
    const { connection, remove } = await makeTestDatabase('postgres');
    assert.ok(connection.kind === 'postgresql');
    const role = `plumbline_test_${randomUUID().slice(0, 8)}`;
    const admin = new pg.Client({ connectionString: connection.url });
    await admin.connect();
    t.after(async () => {
      await admin.end();
      await remove();
      const server = new pg.Client({ connectionString: process.env['PLUMBLINE_TEST_POSTGRES_URL'] });
      await server.connect();
      await server.query(`drop role ${role}`);
      await server.end();
    });
    await admin.query(`create role ${role} login password 'hunter2' connection limit 5`);
    await admin.query(`alter role ${role} set maintenance_work_mem = '1MB'`);
    const url = new URL(connection.url);
    url.username = role;
    url.password = 'hunter2';
    const answer = await examine(url.href);
    assert.equal(answer.code, 1);
    assert.deepEqual(
      inArea(answer, 'permissions').map(({ level, what }) => [level, /\d{5}/u.exec(what)?.[0]]),
      Array.from({ length: 3 }, () => ['problem', '42501']),
    );
    assert.match(inArea(answer, 'memory')[0]?.what ?? '', /maintenance_work_mem is 1 MB/u);
    assert.equal(inArea(answer, 'memory')[0]?.level, 'warning');
    assert.equal(inArea(answer, 'connections')[0]?.level, 'problem');
    assert.match(inArea(answer, 'schema')[0]?.what ?? '', /none yet/u);
    assert.doesNotMatch(answer.text, /hunter2/u);
    const { rows } = await admin.query("select 1 from pg_extension where extname = 'vector'");
    assert.equal(rows.length, 0, 'nothing was made');
  });

  test('a schema from the future, and one that is up to date', async (t) => {
    const { connection, remove } = await makeTestDatabase('postgres');
    t.after(remove);
    assert.ok(connection.kind === 'postgresql');
    const store = await openPgVectorStore({ connection, statementTimeoutMs: 10_000 });
    await createIn(store, specOf({ name: 'handbook' }));
    await store.close();
    const current = await examine(connection.url);
    assert.deepEqual(
      current.findings.filter(({ level }) => level === 'problem').map(({ area }) => area),
      ['collection handbook'],
    );
    const admin = new pg.Client({ connectionString: connection.url });
    await admin.connect();
    await admin.query("insert into plumbline.schema_migrations values (9999, 'later', 'x')");
    await admin.end();
    const answer = await examine(connection.url);
    assert.deepEqual(
      answer.findings.filter(({ level }) => level === 'problem').map(({ area }) => area),
      ['schema'],
    );
  });

  test('a server that is not there', async () => {
    const answer = await examine('postgresql://user:hunter2@127.0.0.1:1/nothing');
    assert.equal(answer.code, 1);
    assert.match(inArea(answer, 'store')[0]?.what ?? '', /store_unavailable/u);
    assert.doesNotMatch(answer.text, /hunter2/u);
  });
});

describe('doctor: opensearch', { skip: !storeNames().includes('opensearch') }, () => {
  test('an index that somebody else has set', async (t) => {
    const { url, options, remove } = makeTestPrefix();
    t.after(remove);
    const { openOpenSearchStore } = await import('../../src/stores/opensearch/index.js');
    const store = await openOpenSearchStore(options);
    await createIn(store, specOf({ name: 'handbook' }));
    await store.close();
    const before = await examine(url);
    assert.equal(inArea(before, 'permissions')[0]?.level, 'ok');
    assert.equal(inArea(before, 'vector indexes').length, 0);
    const set = await fetch(`${options.node}/${options.prefix}-generation-*/_settings`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ 'index.blocks.write': true }),
    });
    assert.ok(set.ok);
    const answer = await examine(url);
    assert.ok(
      inArea(answer, 'collection handbook').some(
        ({ level, what }) => level === 'problem' && what.includes('no writes'),
      ),
    );
  });
});

test('settings that make no sense are a problem, not a crash', async () => {
  const answer = await examine('mysql://user:hunter2@host/db');
  assert.equal(answer.code, 1);
  assert.equal(answer.findings[0]?.area, 'configuration');
  assert.doesNotMatch(answer.text, /hunter2/u);
});

test('people get a line for each finding, and a sum', async () => {
  const { code, stdout } = await runInProcess(['doctor', '--store', 'memory:']);
  assert.equal(code, 0);
  assert.match(stdout, /^(?:ok|warning) +model minilm-l6: /mu);
  assert.match(stdout, /^Problems: 0, warnings: \d+$/mu);
});
