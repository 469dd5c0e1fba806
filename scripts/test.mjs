/**
 * Runs the compiled tests: `npm test`, or `npm test -- chunking filter` for files whose path holds
 * one of the words. Arguments that begin with a dash go to Node's test runner.
 */
import { spawn } from 'node:child_process';
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

// Two files at a time: several of them load a model or a database of their own.
const runner = spawn(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-reporter=spec', ...options, ...tests],
  { cwd: root, stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner.kill(signal));
runner.on('exit', (code) => process.exit(code ?? 1));
