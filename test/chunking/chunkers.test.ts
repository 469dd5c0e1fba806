/** The conformance suite on every chunker, and what only one of them promises. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chunkDocument } from '../../src/chunking/chunk.js';
import { chunkWith } from '../../src/chunking/chunkers.js';
import { parentKey } from '../../src/chunking/parent-key.js';
import type { Chunk, ChunkerSettings } from '../../src/model.js';
import { chunkAny } from '../conformance/chunker/sound.js';
import { chunkerSuite } from '../conformance/chunker/suite.js';
import { lettersTokenizer, parse } from './support.js';

const tokens = fc.integer({ min: 8, max: 200 });
const percent = fc.integer({ min: 0, max: 50 });
const withOverlap = (kind: 'structure' | 'fixed'): fc.Arbitrary<ChunkerSettings> =>
  fc.tuple(tokens, percent).map(([targetTokens, share]) => ({
    kind,
    targetTokens,
    overlapTokens: Math.floor((targetTokens * share) / 100),
  }));

const FIXED = { kind: 'fixed', targetTokens: 300, overlapTokens: 50 } as const;
const SEMANTIC = { kind: 'semantic', maxTokens: 300, bufferSize: 0, breakpointPercentile: 95 } as const;
const HIERARCHICAL = { kind: 'hierarchical', childTokens: 150, parentTokens: 600 } as const;

chunkerSuite({
  name: 'structure',
  settings: withOverlap('structure'),
  usual: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
  countsAtMost: 12,
});
chunkerSuite({ name: 'fixed', settings: withOverlap('fixed'), usual: FIXED, countsAtMost: 12 });
chunkerSuite({
  name: 'semantic',
  settings: fc
    .tuple(tokens, fc.integer({ min: 0, max: 1 }), fc.integer({ min: 50, max: 99 }))
    .map(([maxTokens, bufferSize, breakpointPercentile]) => ({
      kind: 'semantic',
      maxTokens,
      bufferSize,
      breakpointPercentile,
    })),
  usual: SEMANTIC,
  // The model's own check of what it is given counts once more.
  countsAtMost: 14,
});
chunkerSuite({
  name: 'hierarchical',
  settings: fc.tuple(tokens, fc.integer({ min: 2, max: 6 })).map(([childTokens, times]) => ({
    kind: 'hierarchical',
    childTokens,
    parentTokens: childTokens * times,
  })),
  usual: HIERARCHICAL,
  countsAtMost: 12,
});

test('structure is what it was', async () => {
  const tokenizer = lettersTokenizer(254);
  const document = parse('markdown', '# A\n\nOne sentence. Two.\n\n## B\n\nThree.', 'T');
  const settings = { kind: 'structure', targetTokens: 400, overlapTokens: 50 } as const;
  const { chunks } = await chunkAny(document, settings, tokenizer);
  assert.deepEqual(chunks, chunkDocument(document, settings, tokenizer));
});

describe('fixed', () => {
  test('fills chunks to the target, across headings, and repeats the last words', async () => {
    const section = (name: string): string =>
      `# ${name}\n\n${Array.from({ length: 100 }, (_, at) => `w${String(at % 90)}`).join(' ')}\n\n`;
    const settings = { kind: 'fixed', targetTokens: 60, overlapTokens: 10 } as const;
    const { chunks } = await chunkAny(
      parse('markdown', section('A') + section('B')),
      settings,
      lettersTokenizer(254),
    );
    for (const chunk of chunks.slice(0, -1)) assert.ok(chunk.tokens >= 55 && chunk.tokens <= 66);
    const [, second] = chunks;
    assert.equal(second?.text.slice(0, second.overlap).trim().split(' ').length, 10);
    const crossing = chunks.find((chunk) => chunk.text.includes('# B'));
    assert.deepEqual(crossing?.headingPath, ['A'], 'a title the document took from its first heading');
  });
});

describe('semantic', () => {
  const cats = 'The cat sleeps on the warm mat. A cat likes the warm mat. Every cat wants a warm mat.';
  const tax = 'Income tax is due in April. Late income tax is fined. The tax office fines late payers.';

  test('the border is where the topic changes', async () => {
    const { chunks } = await chunkAny(parse('text', `${cats} ${tax}`), SEMANTIC, lettersTokenizer(254));
    assert.deepEqual(
      chunks.map((chunk) => chunk.text),
      [cats, tax],
    );
    assert.equal(chunks[1]?.split, 'sentence');
  });

  test('a chunk ends at its most tokens too, and a heading stays with its text', async () => {
    const settings = { ...SEMANTIC, maxTokens: 16 };
    const { chunks } = await chunkAny(
      parse('markdown', `# Cats\n\n${cats}\n\n# Tax\n\n${tax}`),
      settings,
      lettersTokenizer(254),
    );
    assert.ok(chunks.length > 3);
    assert.ok(chunks.every((chunk) => !/^# \w+$/u.test(chunk.text)));
  });

  test('sentences are embedded once each, as documents, and a call can be cancelled', async () => {
    const asked: string[] = [];
    const model = {
      tokenizer: lettersTokenizer(254),
      embed: (texts: readonly string[]) => {
        asked.push(...texts);
        return Promise.resolve(texts.map((text) => Float32Array.of(1, text.length)));
      },
    };
    const { embedded } = await chunkWith(parse('text', `${cats} ${tax}`), SEMANTIC, model);
    assert.equal(embedded, 6);
    assert.equal(asked.length, 6);
    const controller = new AbortController();
    controller.abort();
    await assert.rejects(chunkWith(parse('text', `${cats} ${tax}`), SEMANTIC, model, controller.signal), {
      code: 'cancelled',
    });
  });

  test('one sentence asks no model', async () => {
    const { embedded, chunks } = await chunkWith(parse('text', 'One sentence is here.'), SEMANTIC, {
      tokenizer: lettersTokenizer(254),
      embed: () => Promise.reject(new Error('not to be asked')),
    });
    assert.deepEqual([embedded, chunks.length], [0, 1]);
  });

  test('a buffer embeds the neighbours too', async () => {
    const asked: string[] = [];
    const model = {
      tokenizer: lettersTokenizer(254),
      embed: (texts: readonly string[]) => {
        asked.push(...texts);
        return Promise.resolve(texts.map(() => Float32Array.of(1)));
      },
    };
    await chunkWith(parse('text', cats), { ...SEMANTIC, bufferSize: 1 }, model);
    assert.deepEqual(
      asked.map((text) => text.split('\n').length),
      [2, 3, 2],
    );
  });
});

describe('hierarchical', () => {
  const sentence = (at: number): string => `Sentence number ${String(at)} stands here.`;
  const prose = Array.from({ length: 120 }, (_, at) => sentence(at)).join(' ');
  const document = parse(
    'markdown',
    `# A\n\n${prose}\n\n| a | b |\n|---|---|\n${'| x y z | y |\n'.repeat(60)}\n# B\n\nshort`,
  );

  test("children of one parent begin their ids alike, and their texts together are the parent's", async () => {
    const settings = { kind: 'hierarchical', childTokens: 40, parentTokens: 160 } as const;
    const tokenizer = lettersTokenizer(254);
    const { chunks } = await chunkAny(document, settings, tokenizer);
    const families = new Map<string, Chunk[]>();
    for (const chunk of chunks) {
      const key = parentKey(chunk.id);
      families.set(key, [...(families.get(key) ?? []), chunk]);
    }
    assert.ok(families.size > 4 && chunks.length > 2.5 * families.size);
    for (const family of families.values()) {
      const [first] = family;
      const last = family.at(-1);
      assert.equal(Number(last?.ordinal) - Number(first?.ordinal), family.length - 1, 'one run');
      const text = document.text.slice(first?.start, last?.end);
      assert.equal(family.map((chunk) => chunk.text).join(''), text);
      assert.ok(tokenizer.count(text) <= settings.parentTokens * 1.2);
    }
  });

  test('a repeated table header is in what is embedded, not in the text', async () => {
    const settings = { kind: 'hierarchical', childTokens: 80, parentTokens: 240 } as const;
    const { chunks } = await chunkAny(document, settings, lettersTokenizer(254));
    const rows = chunks.filter((chunk) => chunk.text.startsWith('| x'));
    assert.ok(rows.length > 1);
    for (const chunk of rows) assert.match(chunk.indexedText, /\| a \| b \|\n\|---\|---\|\n\| x/u);
  });
});
