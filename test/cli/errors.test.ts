import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { EXIT } from '../../src/cli/context.js';
import { showError } from '../../src/cli/errors.js';
import { ERRORS, RetrievalError, cancelled, type ErrorCode } from '../../src/errors.js';
import { captureOutput, jsonLines } from './support.js';

interface Shown {
  readonly code: number;
  readonly text: string;
}

function show(error: unknown, options: { readonly json?: boolean; readonly debug?: boolean } = {}): Shown {
  const output = captureOutput();
  const code = showError(output, error, { json: options.json === true, debug: options.debug === true });
  return { code, text: output.text() };
}

test('the exit code says whose fault it is', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const expected =
      code === 'cancelled' ? EXIT.interrupted : ERRORS[code].fault === 'caller' ? EXIT.caller : EXIT.backend;
    assert.equal(show(new RetrievalError(code, 'x')).code, expected, code);
  }
  assert.deepEqual(Object.values(EXIT), [0, 1, 2, 3, 4, 130]);
});

test('for people: the message on one line, the code, the field, and what to do', () => {
  const error = new RetrievalError('unknown_field', 'filter.dpet: no such field\u001b[2J\nReally', {
    field: 'filter.dpet',
  });
  assert.deepEqual(show(error), {
    code: 2,
    text:
      'error: filter.dpet: no such field [2J Really\n  code: unknown_field\n  field: filter.dpet\n' +
      '  See the fields: plumbline collections describe NAME\n',
  });
  assert.equal(show(new RetrievalError('timeout', 'Too slow')).text, 'error: Too slow\n  code: timeout\n');
});

test('--json: the problem as the REST API answers it, on one line', () => {
  const error = new RetrievalError('data_folder_in_use', 'In use', {
    field: 'PLUMBLINE_STORE_URL',
    details: { processId: 5 },
  });
  const { code, text } = show(error, { json: true });
  assert.equal(code, 3);
  assert.deepEqual(jsonLines(text), [
    {
      type: 'urn:plumbline:error:data_folder_in_use',
      title: 'Another process uses the data folder',
      status: 503,
      code: 'data_folder_in_use',
      detail: 'In use',
      field: 'PLUMBLINE_STORE_URL',
      retryable: true,
      details: { process_id: 5 },
    },
  ]);
});

test('an interruption says nothing more', () => {
  for (const json of [true, false]) assert.deepEqual(show(cancelled(), { json }), { code: 130, text: '' });
});

test('a mistake in the command line is the caller’s, as text and as JSON', () => {
  const error = new CommanderError(1, 'commander.unknownOption', "error: unknown option '--nope'");
  assert.deepEqual(show(error), {
    code: 2,
    text: "error: unknown option '--nope'\n  See --help, also of a command: plumbline COMMAND --help\n",
  });
  const { code, text } = show(error, { json: true });
  assert.equal(code, 2);
  const [problem] = jsonLines(text);
  assert.deepEqual([problem?.['code'], problem?.['detail']], ['invalid_request', "unknown option '--nope'"]);
});

test('what was not foreseen shows its name only; the debug level shows all', () => {
  const error = new TypeError('the document says hunter2', { cause: new Error('deeper') });
  const { code, text } = show(error);
  assert.equal(code, 3);
  assert.match(text, /^error: Something went wrong that was not foreseen \(TypeError\)\./u);
  assert.ok(!text.includes('hunter2'));
  const debug = show(error, { debug: true }).text;
  assert.match(debug, /TypeError: the document says hunter2\n {4}at /u);
  assert.match(debug, /caused by: Error: deeper/u);
  assert.match(show('a string', { debug: true }).text, /\(string\)[^]*\na string\n$/u);
});
