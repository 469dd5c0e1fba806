import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../src/cli/table.js';
import {
  count,
  cutTo,
  duration,
  oneLine,
  paint,
  plural,
  printable,
  textWidth,
  wrap,
} from '../../src/cli/text.js';
import { createRandom } from '../support/random.js';
import { captureOutput } from './support.js';

test('control characters, which could steer the terminal, become spaces', () => {
  assert.equal(printable('a\u001b[31mb\u0007\u0000\u009b2Jc'), 'a [31mb   2Jc');
  // Text that runs backwards hides what it says.
  assert.equal(printable('a\u202eb\u2066c\u2028d'), 'a b c d');
  assert.equal(printable('Grüße, 世界 🌍'), 'Grüße, 世界 🌍');
});

test('on one line, white space of any kind is one space', () => {
  assert.equal(oneLine(' a\r\n\tb\u00a0\u2003 c\u001b\u2029 '), 'a b c');
});

test('width is in cells of a terminal', () => {
  const widths: readonly (readonly [text: string, width: number])[] = [
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['a\u200bb', 2],
    ['世界', 4],
    ['。「」、', 8],
    ['カー', 4],
    ['ｶﾞ', 2],
    ['한글', 4],
    ['ＡＢ', 4],
    ['🌍', 2],
    ['✓', 1],
  ];
  for (const [text, width] of widths) assert.equal(textWidth(text), width, text);
});

test('a cut never splits a character, and always takes one', () => {
  assert.equal(cutTo('abc', 2), 'ab');
  assert.equal(cutTo('世界', 3), '世');
  assert.equal(cutTo('🌍🌍', 1), '🌍');
  assert.equal(cutTo('e\u0301e\u0301', 1), 'e\u0301');
  assert.equal(cutTo('', 5), '');
});

test('text is broken between words; its own breaks stay, blank lines go', () => {
  assert.deepEqual(wrap('one two  three\n\nfour\r\nfive', 9), ['one two', 'three', 'four', 'five']);
  assert.deepEqual(wrap('abcdefghij kl', 4), ['abcd', 'efgh', 'ij', 'kl']);
  assert.deepEqual(wrap('世界世界', 5), ['世界', '世界']);
  assert.deepEqual(wrap('a\u001b[2Jb\tc', 80), ['a [2Jb c']);
  assert.deepEqual(wrap('', 10), []);
});

test('what is left out is marked, and only then', () => {
  assert.deepEqual(wrap('one\ntwo\nthree', 10, 2), ['one', 'two …']);
  assert.deepEqual(wrap('one\ntwo\n\n', 10, 2), ['one', 'two']);
  assert.deepEqual(wrap('0123456789 x', 10, 1), ['01234567 …']);
});

test('wrapping keeps every word, in lines that fit', () => {
  const random = createRandom(11);
  for (let round = 0; round < 200; round += 1) {
    const words = Array.from({ length: 1 + random.int(20) }, () =>
      Array.from({ length: 1 + random.int(12) }, () => random.pick(['a', 'é', '世', '🌍', 'e\u0301'])).join(
        '',
      ),
    );
    const width = 2 + random.int(12);
    const lines = wrap(words.join(' '), width);
    assert.equal(lines.join('').replaceAll(' ', ''), words.join(''));
    for (const line of lines) assert.ok(textWidth(line) <= width, `${line} in ${String(width)}`);
    const few = wrap(words.join(' '), width, 2);
    assert.deepEqual(few.length > 1 && few.at(-1)?.endsWith(' …') === true, lines.length > 2);
  }
});

test('a table’s columns line up, whatever is in the cells', () => {
  assert.deepEqual(
    table(
      ['id', 'chunks', 'title'],
      [
        ['世界.md', '1,234', 'two\nlines \u001b[1m'],
        ['a', '5', ''],
      ],
    ),
    ['id       chunks  title', '世界.md  1,234   two lines [1m', 'a        5'],
  );
  assert.deepEqual(table(['id', 'title'], []), ['id  title']);
  // A row may be short, but nothing in it is lost.
  assert.deepEqual(table(['id', 'title'], [['a']]), ['id  title', 'a']);
});

test('numbers and durations are written for people', () => {
  assert.deepEqual([0, 999, 1234, 1_234_567].map(count), ['0', '999', '1,234', '1,234,567']);
  assert.deepEqual(
    [0, 1, 1000].map((value) => plural(value, 'chunk')),
    ['0 chunks', '1 chunk', '1,000 chunks'],
  );
  const durations: readonly (readonly [milliseconds: number, text: string])[] = [
    [0, '0 ms'],
    [840.4, '840 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [3210, '3.2 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 0 s'],
    [245_000, '4 min 5 s'],
    [3_599_400, '59 min 59 s'],
    [3_599_600, '1 h 0 min'],
    [7_380_000, '2 h 3 min'],
  ];
  for (const [milliseconds, text] of durations) assert.equal(duration(milliseconds), text);
});

test('colours are only for an output that has them', () => {
  assert.equal(paint(captureOutput(), 'red', 'a'), 'a');
  assert.equal(paint(captureOutput({ hasColour: true }), 'red', 'a'), '\u001b[31ma\u001b[39m');
});
