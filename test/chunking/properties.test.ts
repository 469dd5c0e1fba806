import { globSync } from 'tinyglobby';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTiktokenTokenizer } from '../../src/chunking/tiktoken.js';
import { packageRoot } from '../../src/package-root.js';
import { content, title } from './documents.js';
import { assertSound, chunk, lettersTokenizer, settingsOf } from './support.js';

const settings = fc
  .tuple(fc.integer({ min: 8, max: 200 }), fc.integer({ min: 0, max: 50 }))
  .map(([target, percent]) => settingsOf(target, Math.floor((target * percent) / 100)));

describe('every document, every setting', () => {
  test('the test tokenizer', () => {
    fc.assert(
      fc.property(
        content,
        settings,
        title,
        fc.integer({ min: 12, max: 300 }),
        (raw, chosen, name, window) => {
          const tokenizer = lettersTokenizer(window);
          const first = chunk(
            raw.format,
            raw.content,
            chosen,
            tokenizer,
            name?.replace(/\s+/gu, ' ').trim().slice(0, 80).trim().toWellFormed(),
          );
          assertSound(first, chosen, tokenizer);
        },
      ),
      { seed: 20_240_131, numRuns: 1500 },
    );
  });

  test('a tokenizer for which a whole has more tokens than its parts', () => {
    fc.assert(
      fc.property(content, settings, fc.integer({ min: 24, max: 300 }), (raw, { targetTokens }, window) => {
        const plain = lettersTokenizer(window);
        const tokenizer = {
          ...plain,
          count: (text: string): number => Math.floor(plain.count(text) * (text.length > 60 ? 1.6 : 1)),
        };
        const chosen = settingsOf(targetTokens);
        assertSound(chunk(raw.format, raw.content, chosen, tokenizer), chosen, tokenizer);
      }),
      { seed: 11, numRuns: 700 },
    );
  });

  test('tiktoken', () => {
    fc.assert(
      fc.property(content, settings, fc.integer({ min: 24, max: 300 }), (raw, chosen, window) => {
        const tokenizer = createTiktokenTokenizer(window);
        assertSound(chunk(raw.format, raw.content, chosen, tokenizer), chosen, tokenizer);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

describe('a model that limits characters too', () => {
  test('no chunk is over either limit', () => {
    fc.assert(
      fc.property(
        content,
        settings,
        title,
        fc.integer({ min: 24, max: 300 }),
        fc.integer({ min: 24, max: 400 }),
        (raw, chosen, name, window, maxCharacters) => {
          const tokenizer = { ...lettersTokenizer(window), maxCharacters };
          const made = chunk(
            raw.format,
            raw.content,
            chosen,
            tokenizer,
            name?.replace(/\s+/gu, ' ').trim().slice(0, 80).trim().toWellFormed(),
          );
          assertSound(made, chosen, tokenizer);
          for (const { indexedText } of made.chunks) assert.ok(indexedText.length <= maxCharacters);
        },
      ),
      { seed: 20_240_202, numRuns: 1000 },
    );
  });

  test('a long text fills what is allowed', () => {
    const tokenizer = { ...lettersTokenizer(512), maxCharacters: 2048 };
    const text = 'internationalization '.repeat(2000);
    const { chunks } = chunk('text', text, settingsOf(400), tokenizer, 'A title');
    assert.ok(chunks.length < (text.length / 2048) * 2, String(chunks.length));
    for (const { indexedText } of chunks) assert.ok(indexedText.length <= 2048);
  });
});

test('real documents', () => {
  const files = globSync(['docs/**/*.md', 'node_modules/{f,m,p,y}*/README.md'], {
    cwd: packageRoot,
    absolute: true,
  })
    .sort()
    .slice(0, 60);
  assert.ok(files.length >= 5);
  const chosen = settingsOf(400, 50);
  const tokenizer = lettersTokenizer(254);
  for (const file of files) {
    assertSound(
      chunk('markdown', readFileSync(file, 'utf8'), chosen, tokenizer, 'A title'),
      chosen,
      tokenizer,
    );
  }
});
