import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { chunkDocument, targetTokens } from '../../src/chunking/chunk.js';
import { createTiktokenTokenizer } from '../../src/chunking/tiktoken.js';
import { packageRoot } from '../../src/package-root.js';
import { assertSound, chunk, lettersTokenizer, parse, settingsOf } from './support.js';

const wide = lettersTokenizer(1000);
const words = (count: number): string =>
  Array.from({ length: count }, (_, i) => `w${String(i % 90)}`).join(' ');

describe('sections', () => {
  test('small neighbours under one parent share a chunk, with the path they share', () => {
    const { chunks } = chunk(
      'markdown',
      '# T\n\n## A\n\none\n\n## B\n\ntwo\n\n## C\n\nthree',
      settingsOf(100),
      wide,
    );
    assert.equal(chunks.length, 1);
    assert.deepEqual(chunks[0]?.headingPath, ['T']);
  });

  test('a section that can stand alone is not joined with its neighbour', () => {
    const { chunks } = chunk(
      'markdown',
      `# T\n\n## A\n\n${words(40)}\n\n## B\n\n${words(40)}`,
      settingsOf(100),
      wide,
    );
    assert.deepEqual(
      chunks.map((c) => c.headingPath),
      [
        ['T', 'A'],
        ['T', 'B'],
      ],
    );
    assert.ok(chunks[0]?.text.startsWith('# T\n\n## A'), 'a bare heading goes with its first child');
  });

  test('a small section is not joined with a big one before it', () => {
    const { chunks } = chunk(
      'markdown',
      `# A\n\n## A1\n\n${words(60)}\n\n# B\n\nsmall`,
      settingsOf(100),
      wide,
    );
    assert.deepEqual(
      chunks.map((c) => c.headingPath),
      [
        ['A', 'A1'],
        ['A', 'B'],
      ],
    );
  });

  test('small sections of different parents stay apart', () => {
    const content = `# A\n\n${words(95)}\n\n## A1\n\nsmall and under A\n\n# B\n\nsmall`;
    const { chunks } = chunk('markdown', content, settingsOf(100), wide);
    assert.deepEqual(
      chunks.map((c) => c.headingPath),
      [['A'], ['A', 'A1'], ['A', 'B']],
    );
  });

  test('the title stands first, once', () => {
    const [titled] = chunk('markdown', '# A\n\nx', settingsOf(100), wide, 'Title').chunks;
    assert.equal(titled?.indexedText, 'Title > A\n# A\n\nx');
    const [same] = chunk('markdown', '# A\n\nx', settingsOf(100), wide).chunks;
    assert.deepEqual(same?.headingPath, ['A']);
    const [none] = chunk('text', 'x', settingsOf(100), wide).chunks;
    assert.equal(none?.indexedText, 'x');
  });

  test('a path that is too long loses its middle, then its end, and only in the indexed text', () => {
    const long = 'title '.repeat(10).trim();
    const content = `# ${long}\n\n## middle ${long}\n\n### last\n\nx`;
    const { chunks } = chunk('markdown', content, settingsOf(100), lettersTokenizer(90));
    const last = chunks.at(-1);
    assert.deepEqual(last?.headingPath, [long, `middle ${long}`, 'last']);
    assert.ok(last.indexedText.startsWith(`${long} > last\n`));
    const [cut] = chunk('text', 'x', settingsOf(100), lettersTokenizer(12), long).chunks;
    assert.match(cut?.indexedText ?? '', /^title( title)*\nx$/u);
  });
});

describe('blocks', () => {
  test('a table is cut between rows, and each part has the header', () => {
    const rows = Array.from({ length: 30 }, (_, i) => `| r${String(i)} | some value |`);
    const content = `| Name | Value |\n| --- | --- |\n${rows.join('\n')}`;
    const { chunks } = chunk('markdown', content, settingsOf(60), wide);
    assert.ok(chunks.length > 3);
    for (const c of chunks) {
      assert.ok(c.text.startsWith('| Name | Value |\n| --- | --- |\n| r'));
      assert.ok(c.tokens <= 60);
    }
    assert.deepEqual(
      chunks.flatMap((c) => c.text.split('\n').slice(2)),
      rows,
    );
  });

  test('code is whole where it fits, and where not every part has both fences', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `  call(${String(i)})`);
    const fits = `text\n\n\`\`\`js\n${lines.slice(0, 5).join('\n')}\n\`\`\`\n\n${words(60)}`;
    const whole = chunk('markdown', fits, settingsOf(70), wide).chunks;
    assert.equal(whole.filter((c) => c.text.includes('```js') && c.text.includes('call(4)\n```')).length, 1);

    const { chunks } = chunk('markdown', `\`\`\`js\n${lines.join('\n')}\n\`\`\``, settingsOf(70), wide);
    assert.ok(chunks.length > 2);
    for (const c of chunks) assert.match(c.text, /^```js\n {2}call[\s\S]*\)\n```$/u);
    assert.deepEqual(
      chunks.flatMap((c) => c.text.split('\n').slice(1, -1)),
      lines,
    );
    assert.ok(chunks.every((c) => c.split === 'sentence' && c.overlap === 0));
  });

  test('one long line of code keeps its fences around every part', () => {
    const { chunks } = chunk('markdown', `\`\`\`\n${'word '.repeat(300)}\n\`\`\``, settingsOf(70), wide);
    assert.ok(chunks.length > 3);
    for (const c of chunks) assert.match(c.text, /^```\n[^`]+\n```$/u);
  });

  test('a list is cut between its outermost items', () => {
    const items = Array.from({ length: 20 }, (_, i) => `- item ${String(i)}\n  - under it\n`);
    const { chunks } = chunk('markdown', items.join(''), settingsOf(40), wide);
    assert.ok(chunks.length > 3);
    for (const c of chunks) assert.match(c.text, /^- item [\s\S]*- under it$/u);
  });

  test('a long paragraph is cut at sentences, a long sentence between words, a long word inside', () => {
    const sentences = chunk('text', 'This is a sentence of words. '.repeat(30), settingsOf(40), wide).chunks;
    assert.ok(sentences.length > 3 && sentences.every((c) => c.split === 'sentence' && c.text.endsWith('.')));
    const between = chunk('text', words(200), settingsOf(40), wide).chunks;
    assert.ok(between.every((c) => c.split === 'token' && /^w[\d w]+$/u.test(c.text)));
    const family = '👨‍👩‍👧‍👦';
    const inside = chunk('text', family.repeat(60), settingsOf(40), wide).chunks;
    assert.ok(inside.length > 3);
    for (const c of inside) assert.equal(c.text, family.repeat(c.text.length / family.length));
  });

  test('packs are even: no crumb is left at the end', () => {
    const { chunks } = chunk('text', `${words(10)}\n\n`.repeat(21), settingsOf(100), wide);
    const sizes = chunks.map((c) => c.tokens);
    assert.ok(Math.min(...sizes) >= Math.max(...sizes) / 2, sizes.join());
  });
});

describe('overlap', () => {
  const prose = Array.from({ length: 30 }, (_, i) => `Sentence ${String(i)} is here.`).join(' ');

  test('repeats whole sentences, within its limit, inside the section', () => {
    const content = `# A\n\n${prose}\n\n# B\n\n${prose}`;
    const { document, chunks } = chunk('markdown', content, settingsOf(60, 15), wide);
    assert.ok(chunks.filter((c) => c.overlap > 0).length >= 4);
    for (const [index, c] of chunks.entries()) {
      if (c.overlap === 0) continue;
      const repeated = document.text.slice(c.start, c.start + c.overlap);
      assert.match(repeated, /^Sentence/u);
      assert.ok(chunks[index - 1]?.text.endsWith(repeated.trimEnd()));
    }
    assert.equal(chunks.find((c) => c.text.startsWith('# B'))?.overlap, 0);
  });

  test('none when it is set to none', () => {
    const { chunks } = chunk('text', prose, settingsOf(60, 0), wide);
    assert.ok(chunks.length > 1 && chunks.every((c) => c.overlap === 0));
  });
});

describe('ids', () => {
  test('are stable, tell equal texts and documents apart, and survive an edit elsewhere', () => {
    const section = (name: string, text: string): string => `# ${name}\n\n${text} ${words(60)}\n\n`;
    const settings = settingsOf(100);
    const before = chunk('markdown', section('A', 'a') + section('B', 'b'), settings, wide).chunks;
    const after = chunk('markdown', section('A', 'a') + section('B', 'c'), settings, wide).chunks;
    assert.equal(before[0]?.id, after[0]?.id);
    assert.notEqual(before[1]?.id, after[1]?.id);
    assert.match(before[0]?.id ?? '', /^[0-9a-f]{32}$/u);
    const twins = chunk('text', 'same '.repeat(100), settingsOf(10), wide).chunks;
    assert.equal(new Set(twins.map((c) => c.id)).size, twins.length);
    const other = chunkDocument({ ...parse('text', 'x'), id: 'other' }, settings, wide);
    assert.notEqual(other[0]?.id, chunk('text', 'x', settings, wide).chunks[0]?.id);
  });
});

describe('fixtures', () => {
  const tiktoken = createTiktokenTokenizer(256);
  for (const [name, format] of [
    ['guide.md', 'markdown'],
    ['page.html', 'html'],
    ['guide.md', 'text'],
  ] as const) {
    for (const target of [20, 60, 120, 400]) {
      test(`${name} as ${format}, ${String(target)} tokens: sound`, () => {
        const content = readFileSync(`${packageRoot}/test/chunking/fixtures/${name}`, 'utf8');
        for (const tokenizer of [wide, lettersTokenizer(50), tiktoken]) {
          const settings = settingsOf(target, Math.floor(target / 6));
          assertSound(chunk(format, content, settings, tokenizer), settings, tokenizer);
        }
      });
    }
  }
});

test('a document of white space has no chunks', () => {
  for (const format of ['markdown', 'html', 'text'] as const) {
    assert.deepEqual(chunk(format, ' \n\t\n', settingsOf(100), wide, 'Title').chunks, []);
  }
});

describe('the target', () => {
  const small = lettersTokenizer(50);

  test('is taken as it is where the window holds it, and lowered to four fifths where not', () => {
    assert.equal(targetTokens(settingsOf(50), small), 50);
    assert.equal(targetTokens(settingsOf(51), small), 40);
    assert.equal(targetTokens(settingsOf(400), wide), 400);
  });

  test('bounds the text of a chunk, the heading path not counted', () => {
    const { chunks } = chunk('markdown', `# T\n\n${'a b c d. '.repeat(60)}`, settingsOf(400), small);
    assert.ok(chunks.length > 5);
    for (const { text, indexedText } of chunks) {
      assert.ok(small.count(text) <= 40);
      assert.ok(small.count(indexedText) > small.count(text));
    }
  });
});
