import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { get_encoding } from 'tiktoken';
import { createTiktokenTokenizer } from '../../src/chunking/tiktoken.js';

const tokenizer = createTiktokenTokenizer(8192);
const reference = get_encoding('cl100k_base');

test('counts as cl100k_base does', () => {
  const text = fc.array(
    fc.constantFrom('word', ' ', '\n', '  ', 'naïve', '漢字', '!?', '12345', '👍', "don't", '\t'),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(text, (parts) => {
      // A border in every run, so that none is cut.
      const whole = parts.map((part, index) => (index % 20 === 0 ? `${part} x ` : part)).join('');
      assert.equal(tokenizer.count(whole), reference.encode_ordinary(whole).length);
    }),
    { seed: 3, numRuns: 300 },
  );
  const long = 'The quick brown fox jumps over the lazy dog, 42 times! '.repeat(2000);
  assert.equal(tokenizer.count(long), reference.encode_ordinary(long).length);
});

test('names of special tokens are ordinary text', () => {
  assert.ok(tokenizer.count('<|endoftext|>') > 1);
});

test('a long run without a border is counted in pieces, never under', () => {
  for (const unit of ['a', ' ', '!', '漢', '👍', '!—', '\u0301']) {
    const run = unit.repeat(1500);
    assert.ok(tokenizer.count(run) >= reference.encode_ordinary(run).length);
  }
});
