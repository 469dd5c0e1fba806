import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeId, rankAsTrecEval, readRun, unescapeId, writeRun } from '../../eval/trec.js';
import { hasCode } from '../../src/errors.js';
import { withFolder } from './support.js';

const anyId = fc.oneof(
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc
    .array(fc.constantFrom('%', '2', '0', ' ', 'A', '\t', '\u2028', '\u00a0', 'ü', '/'), { minLength: 1 })
    .map((a) => a.join('')),
);

test('property: an escaped id has no white space and comes back as it was', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      const escaped = escapeId(id);
      assert.doesNotMatch(escaped, /\s/u);
      assert.equal(unescapeId(escaped), id);
    }),
    { seed: 5, numRuns: 1000 },
  );
});

test('common ids stay readable', () => {
  for (const id of ['4983', 'a/b', '100%', 'Zürich', 'MED-10']) assert.equal(escapeId(id), id);
  assert.equal(escapeId('a b'), 'a%20b');
  assert.equal(escapeId('a%20b'), 'a%2520b');
});

test('a written run reads back with the same scores, to the last bit', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'out.trec');
    const run = new Map([
      [
        'q 1',
        [
          { id: 'a b', score: 0.1 + 0.2 },
          { id: 'c', score: 1e-300 },
          { id: 'd', score: -3.5 },
        ],
      ],
      ['q2', []],
      ['q3', [{ id: '%41', score: 12345.678901234567 }]],
    ]);
    await writeRun(path, run, 'my tag');
    const text = await readFile(path, 'utf8');
    assert.equal(text.split('\n')[0], 'q%201 Q0 a%20b 1 0.30000000000000004 my%20tag');
    const read = await readRun({ path, label: 'out.trec' });
    assert.deepEqual(read.get('q 1'), run.get('q 1'));
    assert.deepEqual(read.get('q3'), run.get('q3'));
    assert.equal(read.has('q2'), false);
  });
});

test('a broken run file names its line', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'bad.trec');
    for (const [line, message] of [
      ['q Q0 d 1 0.5', /bad\.trec, line 2: does not have six columns/u],
      ['q Q0 d 1 high tag', /bad\.trec, line 2: the score is not a number/u],
    ] as const) {
      await writeFile(path, `q Q0 d 1 0.5 tag\n${line}\n`);
      await assert.rejects(readRun({ path, label: 'bad.trec' }), (error) => {
        assert.ok(hasCode(error, 'invalid_data_set'));
        assert.match(error.message, message);
        return true;
      });
    }
  });
});

test('a run that cannot be written rejects', async () => {
  await withFolder(async (folder) => {
    await assert.rejects(
      writeRun(join(folder, 'no', 'such'), new Map([['q', [{ id: 'd', score: 1 }]]]), 't'),
    );
    await assert.rejects(writeRun(join(folder, 'no', 'such'), new Map(), 't'));
  });
});

test('ties go to the greater id by bytes, as trec_eval has it, and single precision decides what ties', () => {
  const order = (documents: readonly (readonly [string, number])[]): readonly string[] =>
    rankAsTrecEval(documents.map(([id, score]) => ({ id, score }))).map(({ id }) => id);
  assert.deepEqual(
    order([
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ]),
    ['c', 'b', 'a'],
  );
  assert.deepEqual(
    order([
      ['a', 0.1 + 1e-12],
      ['b', 0.1],
    ]),
    ['b', 'a'],
  );
  // U+1F600 is above U+FF5E by code point and bytes, below it by UTF-16 unit.
  assert.deepEqual(
    order([
      ['\uff5e', 1],
      ['\u{1f600}', 1],
    ]),
    ['\u{1f600}', '\uff5e'],
  );
  assert.deepEqual(
    order([
      ['10', 1],
      ['9', 1],
    ]),
    ['9', '10'],
  );
  assert.deepEqual(
    order([
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ]),
    ['a', 'b'],
  );
});
