/** `plumbline conformance`, as a user runs it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordSchema } from '../../src/conformance/record.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { runInProcess, startProcess } from './support.js';

const SMALL = ['--filters', '20', '--collections', '3', '--document-mb', '0.1'];

test('checks the memory store, shows a table and writes a record', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const args = ['conformance', '--store', 'memory:', '--json', 'record.json', ...SMALL];
  const { code, stdout, stderr } = await runInProcess(args, { cwd: folder });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^group +passed +failed +not supported +time$/mu);
  assert.match(stdout, /^All \d+ checks that this store supports passed\.$/mu);
  const record = recordSchema.parse(JSON.parse(await readFile(join(folder, 'record.json'), 'utf8')));
  assert.deepEqual(
    [record.plumbline, record.server.kind, record.sizes],
    ['1.2.3', 'memory', { filters: 20, collections: 3, document_bytes: 104_858 }],
  );
  assert.equal(record.summary.failed, 0);
  assert.ok(record.checks.some(({ group }) => group === 'clean-up'));
});

test('a record that cannot be written is said before the work', async () => {
  const args = ['conformance', '--store', 'memory:', '--json', 'no/such/folder/record.json'];
  const { code, stderr } = await runInProcess(args);
  assert.equal(code, 2);
  assert.match(stderr, /cannot be written to/u);
});

test('an unusable store is the operator’s to mend, and its password is not shown', async () => {
  const args = ['conformance', '--store', 'postgresql:/user:hunter2@nowhere'];
  const { code, stdout, stderr } = await runInProcess(args);
  assert.equal(code, 3);
  assert.doesNotMatch(stdout + stderr, /hunter2/u);
});

test('Ctrl-C ends it with 130, and nothing is left', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  const running = startProcess(['conformance', '--store', `pglite:${data}`], { cwd: folder });
  running.child.stdin.end();
  // By then collections are there.
  await running.said(/^ {2}documents$/mu);
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.finished;
  assert.deepEqual([code, stdout], [130, ''], stderr);
  assert.match(stderr, /^ {2}clean-up$[^]*^Stopped\. There is no record\.$/mu);
  const store = await openPgVectorStore({
    connection: { kind: 'pglite', folder: data },
    statementTimeoutMs: 10_000,
  });
  t.after(() => store.close());
  assert.deepEqual(await store.listCollections(), []);
});
