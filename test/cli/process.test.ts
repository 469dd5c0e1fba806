/** What only a process shows: pipes that close, disks that are full, settings, signals. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/package-root.js';
import { makeFolder } from '../ingest/sources/support.js';
import { jsonLines, runProcess, startProcess } from './support.js';

const MEMORY = { PLUMBLINE_STORE_URL: 'memory:' };

test('the program answers --version and --help with 0', { timeout: 60_000 }, async () => {
  const version = await runProcess(['--version'], { cwd: packageRoot });
  assert.deepEqual([version.code, version.stderr], [0, '']);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/u);
  const help = await runProcess(['ingest', '--help'], { cwd: packageRoot });
  assert.deepEqual([help.code, help.stderr], [0, '']);
  assert.match(help.stdout, /^Usage: plumbline ingest /u);
});

test('a reader that has read enough ends the program quietly', { timeout: 60_000 }, async (t) => {
  // More than a pipe holds, so that the program is still writing when the reader leaves.
  const line = JSON.stringify({ text: 'One short sentence. '.repeat(10) });
  const rows = Array.from({ length: 3000 }, (_, n) => `{"id": "${String(n)}", ${line.slice(1)}\n`).join('');
  const cwd = await makeFolder(t, { 'rows.jsonl': rows });
  const args = ['ingest', 'rows.jsonl', '--dry-run', '--embedder', 'minilm-l6', '--json'];
  const { child, finished } = startProcess(args, { cwd, env: MEMORY });
  child.stdin.end();
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const { code, stderr } = await finished;
  assert.equal(stderr, '');
  assert.equal(code, 130);
});

test(
  'output that cannot be written is a failure',
  { skip: !existsSync('/dev/full'), timeout: 60_000 },
  async () => {
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [join(packageRoot, 'bin', 'plumbline.js'), '--help'], {
      stdio: ['ignore', full.fd, 'pipe'],
    });
    let stderr = '';
    const { stderr: told } = child;
    assert.ok(told !== null);
    told.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    await full.close();
    assert.deepEqual([code, stderr], [3, 'error: The output cannot be written (ENOSPC)\n']);
  },
);

test('settings that make no sense are the operator’s fault', { timeout: 60_000 }, async () => {
  const env = { ...MEMORY, PLUMBLINE_EMBED_THREADS: 'many' };
  const args = ['collections', 'list', '--json'];
  const { code, stdout, stderr } = await runProcess(args, { cwd: packageRoot, env });
  assert.deepEqual([code, stdout], [3, '']);
  const [problem] = jsonLines(stderr);
  assert.equal(problem?.['code'], 'invalid_config');
  assert.match(String(problem['detail']), /PLUMBLINE_EMBED_THREADS/u);
});

test('what stands behind -- is no option', { timeout: 60_000 }, async () => {
  const args = ['query', 'handbook', '--', '--json'];
  const { code, stderr } = await runProcess(args, { cwd: packageRoot, env: MEMORY });
  assert.equal(code, 2);
  assert.match(stderr, /^error: .*\n {2}code: collection_not_found\n/u);
});

test('a call that is refused does not wait for its input', { timeout: 60_000 }, async () => {
  const args = ['ingest', '-', '--collection', 'handbook'];
  const { child, finished } = startProcess(args, { cwd: packageRoot, env: MEMORY });
  const { code, stderr } = await finished;
  child.stdin.destroy();
  assert.equal(code, 2);
  assert.match(stderr, /plumbline ingest - --collection handbook --embedder minilm-l6/u);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends an ingest that waits for input, with 130`, { timeout: 60_000 }, async () => {
    const args = ['ingest', '-', '--collection', 'handbook', '--embedder', 'minilm-l6'];
    const running = startProcess(args, { cwd: packageRoot, env: MEMORY });
    running.child.stdin.write('{"id": "1", "text": "One"}\n');
    await running.said(/"stage":"create"/u);
    running.child.kill(signal);
    const { code, stdout, stderr } = await running.finished;
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /^Stopped\. Finished documents are kept/mu);
  });
}
