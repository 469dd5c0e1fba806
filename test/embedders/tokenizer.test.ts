import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { createTokenizer, type MiniLmTokenizer } from '../../src/embedders/minilm/tokenizer.js';
import { packageRoot } from '../../src/package-root.js';
import { modelFiles } from './model-files.js';

describe('the MiniLM tokenizer', () => {
  let ours: MiniLmTokenizer;
  let library: LibraryTokenizer;
  before(async () => {
    const { tokenizer } = await modelFiles();
    const json = JSON.parse(await readFile(tokenizer, 'utf8')) as object;
    ours = createTokenizer(json, 'wordpiece:test');
    library = new LibraryTokenizer(json, {});
  });

  const assertSame = (text: string): void => {
    const expected = library.encode(text).ids;
    assert.deepEqual(ours.encode(text), expected);
    assert.equal(ours.count(text), expected.length - 2);
  };

  test('known ids', () => {
    // bert-base-uncased: [CLS] hello world ! [SEP]; "embeddings" is four pieces.
    assert.deepEqual(ours.encode('Hello, world!'), [101, 7592, 1010, 2088, 999, 102]);
    assert.deepEqual(ours.encode('embeddings'), [101, 7861, 8270, 4667, 2015, 102]);
    assert.deepEqual(ours.encode(''), [101, 102]);
  });

  test("the library's ids on real text", async () => {
    for (const path of ['fastify', 'zod', 'pg', '@huggingface/tokenizers']) {
      assertSame(await readFile(join(packageRoot, 'node_modules', path, 'README.md'), 'utf8'));
    }
  });

  test("the library's ids on edge cases", () => {
    const edges = [
      '[CLS] a [SEP][MASK] [UNK]b [PAD',
      'x'.repeat(100),
      'x'.repeat(101),
      '𝒳'.repeat(100),
      '𝒳'.repeat(101),
      'ΑΣ ΣΑΣ İstanbul ẞ ﬁ Å Å',
      'a\u0000b\ufffdc\u200dd\u00ade\u0085f\u000bg\u00a0h',
      'lone \ud800 and \udc00 surrogates',
      `e${'\u0301'.repeat(127)}f ${'\u0301\u0323'.repeat(300)}g`,
      `a${'\u0301\u200d\u0323'.repeat(200)}b${'\u0903'.repeat(99)} c${'\u0903'.repeat(400)}`,
      `\u0903${'\u0301'.repeat(2000)}\u0903 z`,
      '漢字かな 한국어 ภาษาไทย',
    ];
    for (const text of edges) assertSame(text);
  });

  test("the library's ids on random text", () => {
    const pieces = fc.constantFrom(
      ...[
        'un',
        'break',
        'able',
        'Größe',
        ' ',
        '\n',
        '.',
        '--',
        '漢',
        '🙂',
        '\u0301',
        '\u0323',
        '\u200d',
        'ing',
      ],
      ...['[SEP]', '##', 'İ', '\u0903', '\ud800', '\t', '1984', 'Σ', '\u00a0', 'zq'],
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.array(pieces, { maxLength: 200 }).map((parts) => parts.join('')),
    );
    fc.assert(fc.property(text, assertSame), { seed: 20_240_611, numRuns: 2000 });
  });
});
