import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTiktokenTokenizer } from '../../src/chunking/tiktoken.js';
import { assertSound, chunk, hostileTexts, lettersTokenizer, settingsOf } from './support.js';

const FORMATS = ['markdown', 'text', 'html'] as const;

describe('hostile text', () => {
  for (const format of FORMATS) {
    for (const [name, text] of hostileTexts(20_000)) {
      test(`${format}, ${name}: sound`, () => {
        const settings = settingsOf(100, 20);
        const tokenizer = lettersTokenizer(64);
        assertSound(chunk(format, text, settings, tokenizer), settings, tokenizer);
      });
    }
  }

  // What is counted is what costs: time would tell the same, but not reliably.
  for (const format of FORMATS) {
    for (const [name, text] of hostileTexts(150_000)) {
      test(`${format}, 150,000 characters of ${name}: work is linear`, () => {
        const tokenizer = lettersTokenizer(254);
        const { document } = chunk(format, text, settingsOf(400, 50), tokenizer);
        const size = Math.max(document.text.length, 15_000);
        assert.ok(
          tokenizer.characters() <= 12 * size,
          `counted ${String(tokenizer.characters() / size)} times`,
        );
      });
    }
  }

  test('tiktoken: sound on every text', () => {
    const tokenizer = createTiktokenTokenizer(64);
    const settings = settingsOf(50, 10);
    for (const text of hostileTexts(4000).values()) {
      assertSound(chunk('markdown', text, settings, tokenizer), settings, tokenizer);
    }
  });
});
