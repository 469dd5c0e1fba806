/**
 * Runs the compiled tests: `npm test`, or `npm test -- chunking filter` for files whose path holds
 * one of the words. Arguments that begin with a dash go to Node's test runner.
 * `PLUMBLINE_TEST_S3_URL=start` starts a server of S3 and SQS for this run; one that does not start
 * ends it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { filesUnder, ready, root, say } from './ready.mjs';

// Done here and not in a `pretest` script: npm runs none under `ignore-scripts`.
ready();

const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('-'));
const words = given.filter((argument) => !argument.startsWith('-'));
const tests = filesUnder(join(root, 'dist', 'test'))
  .map((file) => relative(root, file))
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));

if (tests.length === 0) {
  say(words.length === 0 ? 'there are no tests' : `no test file's path holds ${words.join(' or ')}`);
  process.exit(1);
}

const env = { ...process.env };
const stopS3 = env.PLUMBLINE_TEST_S3_URL === 'start' ? await startS3(env) : () => undefined;

// Two files at a time: several of them load a model or a database of their own.
const runner = spawn(
  process.execPath,
  // A test that hangs has to fail, not to hold up the whole run.
  ['--test', '--test-concurrency=2', '--test-timeout=1200000', '--test-reporter=spec', ...options, ...tests],
  { cwd: root, stdio: 'inherit', env },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner.kill(signal));
runner.on('exit', (code) => {
  stopS3();
  process.exit(code ?? 1);
});

async function startS3(environment) {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-moto-'));
  const service = (name, ...words) =>
    execFileSync(join(root, 'scripts', 'services', 'moto', name), words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  environment.PLUMBLINE_TEST_S3_URL = service('start', String(await freePort()), folder);
  return () => {
    service('stop', folder);
    rmSync(folder, { recursive: true, force: true });
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
