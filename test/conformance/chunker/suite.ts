/** One suite for every chunker: real, drawn and hostile documents, every window. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createTiktokenTokenizer } from '../../../src/chunking/tiktoken.js';
import type { ChunkerSettings } from '../../../src/model.js';
import { packageRoot } from '../../../src/package-root.js';
import { content, title } from '../../chunking/documents.js';
import { hostileTexts, lettersTokenizer, parse } from '../../chunking/support.js';
import { assertPromises, chunkAny } from './sound.js';

export interface ChunkerUnderTest {
  readonly name: string;
  /** Settings that a user may give it, small ones too. */
  readonly settings: fc.Arbitrary<ChunkerSettings>;
  /** The defaults. */
  readonly usual: ChunkerSettings;
  /** How often a character may be counted. */
  readonly countsAtMost: number;
}

const FORMATS = ['markdown', 'text', 'html'] as const;

export function chunkerSuite(subject: ChunkerUnderTest): void {
  describe(`${subject.name}: what is promised of every chunker`, () => {
    test('drawn documents, settings and windows', async () => {
      await fc.assert(
        fc.asyncProperty(
          content,
          subject.settings,
          title,
          fc.integer({ min: 12, max: 300 }),
          async (raw, settings, name, window) => {
            const tokenizer = lettersTokenizer(window);
            const document = parse(raw.format, raw.content, name?.slice(0, 80).trim().toWellFormed());
            assertPromises(await chunkAny(document, settings, tokenizer), settings, tokenizer);
          },
        ),
        { seed: 20_251_120, numRuns: 120 },
      );
    });

    test('a tokenizer for which a whole has more tokens than its parts', async () => {
      await fc.assert(
        fc.asyncProperty(
          content,
          subject.settings,
          fc.integer({ min: 24, max: 300 }),
          async (raw, settings, window) => {
            const plain = lettersTokenizer(window);
            const tokenizer = {
              ...plain,
              count: (text: string): number => Math.floor(plain.count(text) * (text.length > 60 ? 1.6 : 1)),
            };
            assertPromises(
              await chunkAny(parse(raw.format, raw.content), settings, tokenizer),
              settings,
              tokenizer,
            );
          },
        ),
        { seed: 12, numRuns: 60 },
      );
    });

    test('tiktoken', async () => {
      await fc.assert(
        fc.asyncProperty(
          content,
          subject.settings,
          fc.integer({ min: 24, max: 300 }),
          async (raw, settings, window) => {
            const tokenizer = createTiktokenTokenizer(window);
            assertPromises(
              await chunkAny(parse(raw.format, raw.content), settings, tokenizer),
              settings,
              tokenizer,
            );
          },
        ),
        { seed: 13, numRuns: 60 },
      );
    });

    test('a guide and a page', async () => {
      for (const [file, format] of [
        ['guide.md', 'markdown'],
        ['page.html', 'html'],
        ['guide.md', 'text'],
      ] as const) {
        const raw = readFileSync(`${packageRoot}/test/chunking/fixtures/${file}`, 'utf8');
        for (const tokenizer of [
          lettersTokenizer(1000),
          lettersTokenizer(50),
          createTiktokenTokenizer(256),
        ]) {
          assertPromises(
            await chunkAny(parse(format, raw, 'Title'), subject.usual, tokenizer),
            subject.usual,
            tokenizer,
          );
        }
      }
    });

    test('the heading path stands in front, the title first', async () => {
      const document = parse('markdown', '# Leave\n\n## Parents\n\nIt is 30 days.', 'Handbook');
      const { chunks } = await chunkAny(document, subject.usual, lettersTokenizer(254));
      assert.equal(chunks.length, 1);
      assert.deepEqual(chunks[0]?.headingPath, ['Handbook', 'Leave', 'Parents']);
      assert.ok(chunks[0].indexedText.startsWith('Handbook > Leave > Parents\n'));
    });

    test('the same document gives the same chunks; an equal passage has an id of its own', async () => {
      const document = parse('text', 'The same sentence again and again. '.repeat(200));
      const tokenizer = lettersTokenizer(254);
      const first = await chunkAny(document, subject.usual, tokenizer);
      assert.deepEqual(await chunkAny(document, subject.usual, tokenizer), first);
      assertPromises(first, subject.usual, tokenizer);
      const other = await chunkAny({ ...document, id: 'other' }, subject.usual, tokenizer);
      const ids = new Set(first.chunks.map((chunk) => chunk.id));
      assert.ok(
        other.chunks.every((chunk) => !ids.has(chunk.id)),
        'ids of two documents differ',
      );
    });

    for (const format of FORMATS) {
      test(`hostile ${format}: sound`, async () => {
        for (const [name, text] of hostileTexts(3000)) {
          const tokenizer = lettersTokenizer(64);
          const chunked = await chunkAny(parse(format, text), subject.usual, tokenizer);
          assert.doesNotThrow(() => {
            assertPromises(chunked, subject.usual, tokenizer);
          }, name);
        }
      });
    }

    // What is counted is what costs: time would tell the same, but not reliably.
    test('hostile text: work is linear', async () => {
      for (const [name, text] of hostileTexts(30_000)) {
        const tokenizer = lettersTokenizer(254);
        const document = parse('markdown', text);
        await chunkAny(document, subject.usual, tokenizer);
        const times = tokenizer.characters() / Math.max(document.text.length, 15_000);
        assert.ok(times <= subject.countsAtMost, `${name}: counted ${String(times)} times`);
      }
    });

    test('a megabyte of one letter, of lone surrogates, and of marks', async () => {
      for (const unit of ['a', '\ud800', '\u0301 ']) {
        const tokenizer = lettersTokenizer(254);
        const document = parse('text', unit.repeat(2 ** 20 / unit.length));
        assertPromises(await chunkAny(document, subject.usual, tokenizer), subject.usual, tokenizer);
        assert.ok(tokenizer.characters() <= 2 * subject.countsAtMost * document.text.length);
      }
    });
  });
}
