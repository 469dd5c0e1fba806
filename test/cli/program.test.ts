import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { Context } from '../../src/cli/context.js';
import { createProgram } from '../../src/cli/program.js';
import { captureOutput, jsonLines, runInProcess } from './support.js';

/** The words of every command, found in the program itself. */
function commandPaths(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...command.commands.flatMap((child) => commandPaths(child, [...path, child.name()]))];
}

const unused: Context = {
  stdin: Readable.from([]),
  stdout: captureOutput(),
  stderr: captureOutput(),
  cwd: '/',
  signal: new AbortController().signal,
  loadConfig: () => Promise.reject(new Error('not used')),
  openRuntime: () => Promise.reject(new Error('not used')),
};
const paths = commandPaths(createProgram(unused, () => Promise.resolve(), '1.2.3'));

test('there are all the commands', () => {
  const expected = [
    'ingest',
    'query',
    'serve',
    'collections create',
    'documents get',
    'eval compare',
    'keys create',
    'conformance',
    'doctor',
  ];
  const names = paths.map((path) => path.join(' '));
  assert.deepEqual(
    expected.filter((name) => !names.includes(name)),
    [],
  );
});

for (const path of paths) {
  test(`plumbline ${[...path, '--help'].join(' ')}`, async () => {
    const { code, stdout, stderr } = await runInProcess([...path, '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(stdout.startsWith(`Usage: ${['plumbline', ...path].join(' ')} `), stdout);
  });
}

test('the version is the package’s', async () => {
  for (const option of ['--version', '-V']) {
    assert.deepEqual(await runInProcess([option]), { code: 0, stdout: '1.2.3\n', stderr: '' });
  }
});

test('without a command, the help is shown and the call was wrong', async () => {
  for (const args of [[], ['collections'], ['documents'], ['keys']]) {
    const { code, stdout, stderr } = await runInProcess(args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^Usage: plumbline /u);
  }
});

test('what is not known, missing or out of range is the caller’s mistake', async () => {
  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['ingets'], /unknown command 'ingets'/u],
    [['query', 'handbook', 'why', '--explian'], /unknown option '--explian'/u],
    [['query', 'handbook'], /missing required argument 'question'/u],
    [['query', 'handbook', 'why', '-k', '0'], /whole number of at least 1/u],
    [['query', 'handbook', 'why', '--mode', 'fuzzy'], /Allowed choices are hybrid, vector, keyword/u],
    [['query', 'handbook', 'why', '--recency', 'modified_at'], /FIELD:HALF_LIFE_DAYS:WEIGHT/u],
    [['query', 'handbook', 'why', '--vector-weight', '1.5'], /vector_weight/u],
    [['query', 'handbook', 'why', '--filter', 'dept=HR'], /not a JSON object/u],
    [['ingest', '.', '-m', 'dept'], /NAME=VALUE/u],
    [['ingest', '.', '--max-bytes', '1.5'], /whole number/u],
    [['ingest'], /missing required argument 'path'/u],
    [['ingest', '.'], /--collection NAME/u],
    [['ingest', '.', '-c', 'handbook', '--id', 'a'], /--id is for standard input/u],
    [['ingest', '-', '-c', 'handbook', '--format', 'text'], /needs an --id/u],
    [['ingest', '-', '-c', 'handbook', '--id', 'a'], /carry their own ids/u],
    [['serve', '--port', '65536'], /at most 65535/u],
    [['collections', 'create', 'handbook'], /--embedder <name>/u],
    [['collections', 'create', 'handbook', '-e', 'x', '--field', 'dept'], /NAME:TYPE/u],
    [
      ['collections', 'create', 'handbook', '-e', 'x', '--index', 'none', '--hnsw-m', '4'],
      /for --index hnsw/u,
    ],
    [['documents', 'delete', 'handbook'], /either the id/u],
    [['documents', 'delete', 'handbook', 'a', '--filter', '{"dept": "HR"}'], /either the id/u],
    [['documents', 'list', 'handbook', '--filter', '[]'], /not a JSON object/u],
    [['conformance', '--filters', '0'], /whole number of at least 1/u],
    [['conformance', '--document-mb', '0'], /more than 0/u],
  ];
  for (const [args, message] of wrong) {
    // No runtime is given: one that was opened before the mistake is seen would be an error of its own.
    const { code, stdout, stderr } = await runInProcess(args);
    assert.deepEqual([code, stdout], [2, ''], `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
  }
});

test('a key and its hash, of which only the hash is for the server', async () => {
  const { createHash } = await import('node:crypto');
  const keys = new Set<string>();
  for (let n = 0; n < 2; n += 1) {
    const [made] = jsonLines((await runInProcess(['keys', 'create', '--json'])).stdout);
    const { key, sha256 } = made as { readonly key: string; readonly sha256: string };
    assert.match(key, /^plk_[\w-]{43}$/u);
    assert.equal(sha256, createHash('sha256').update(key).digest('hex'));
    keys.add(key);
  }
  assert.equal(keys.size, 2);
});
