import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { splitFrontMatter } from '../../src/chunking/front-matter.js';
import { hasCode } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { assertBlocksCover, parse } from './support.js';

const fixture = (name: string): string =>
  readFileSync(`${packageRoot}/test/chunking/fixtures/${name}`, 'utf8');

describe('Markdown', () => {
  const document = parse('markdown', fixture('guide.md'));
  const slices = document.blocks.map(
    (block) => [block.kind, document.text.slice(block.start, block.end)] as const,
  );

  test('blocks cover the text, which is the content', () => {
    assertBlocksCover(document);
    assert.equal(document.text, fixture('guide.md'));
    assert.equal(document.title, 'Orchard Sensors');
  });

  test('headings: both ways of writing, without markup, none from quotes or code', () => {
    const headings = document.blocks.filter((block) => block.kind === 'heading');
    assert.deepEqual(
      headings.map(({ level, title }) => [level, title]),
      [
        [1, 'Orchard Sensors'],
        [2, 'Install'],
        [3, 'Tools'],
        [3, 'Steps'],
        [2, 'Configure orchard.toml'],
        [2, 'Readings'],
        [3, 'Release 2.1'],
        [3, 'Release 2.2'],
      ],
    );
  });

  test('lists, tables, code and quotes are whole; what no rule claims is other', () => {
    const kinds = (kind: string): readonly string[] =>
      slices.filter(([k]) => k === kind).map(([, text]) => text);
    assert.equal(kinds('list').length, 2);
    assert.match(kinds('list')[0] ?? '', /^- a rubber[\s\S]*gloves$/u);
    assert.match(kinds('code')[0] ?? '', /^```toml\n[\s\S]*\n```$/u);
    assert.match(kinds('table')[0] ?? '', /^\| Setting[\s\S]*0\.18 \|$/u);
    assert.match(kinds('quote')[0] ?? '', /^> Never[\s\S]*# Not a section$/u);
    assert.deepEqual(
      kinds('other').map((text) => text.slice(0, 9)),
      ['<details>', '[g]: http'],
    );
  });

  test('line ends, byte order mark, NUL and half pairs are made canonical', () => {
    const { text, blocks } = parse('markdown', '\uFEFF# A\r\n\r\nb\0\rc\ud800');
    assert.equal(text, '# A\n\nb\uFFFD\nc\uFFFD');
    assert.deepEqual(
      blocks.map((block) => text.slice(block.start, block.end)),
      ['# A', 'b\uFFFD\nc\uFFFD'],
    );
  });

  test('a block that is one HTML heading is a heading', () => {
    const page = parse(
      'markdown',
      '<h1 align="center"><b>Fast</b> &amp; small</h1>\n\nOne\n\n<H2>\nTwo\n</H2>\n\nthree',
    );
    assert.equal(page.title, 'Fast & small');
    assert.deepEqual(
      page.blocks.map(({ kind, level, title }) => [kind, level, title]),
      [
        ['heading', 1, 'Fast & small'],
        ['paragraph', undefined, undefined],
        ['heading', 2, 'Two'],
        ['paragraph', undefined, undefined],
      ],
    );
    for (const html of [
      '<h1><img src="logo.png"></h1>',
      '<h1>A</h1>\nand more',
      '<h1>A</h1><h1>B</h1>',
      '<h1>A</h2>',
      '<div><h1>A</h1></div>',
      `<h1>${'x'.repeat(600)}</h1>`,
    ]) {
      assert.deepEqual(
        parse('markdown', html).blocks.map(({ kind }) => kind),
        ['other'],
        html,
      );
    }
  });

  test('a given title wins; without one or a level-1 heading there is none', () => {
    assert.equal(parse('markdown', '# A', 'Given').title, 'Given');
    assert.equal(parse('markdown', '## A').title, null);
    assert.deepEqual(parse('markdown', ' \n\n').blocks, []);
  });

  test('nesting deeper than any stack', () => {
    for (const unit of ['> ', '- ', '1. ']) assertBlocksCover(parse('markdown', `${unit.repeat(100_000)}a`));
  });
});

describe('HTML', () => {
  const document = parse('html', fixture('page.html'));
  const slices = document.blocks.map((block) => [block.kind, document.text.slice(block.start, block.end)]);

  test('is the text a reader sees', () => {
    assertBlocksCover(document);
    assert.equal(document.title, 'Harbour timetable');
    assert.deepEqual(slices, [
      ['heading', 'Harbour timetable'],
      ['paragraph', 'Ferries leave on the hour & return at half past.\nBring a ticket.'],
      ['heading', 'Winter'],
      ['paragraph', 'Departures'],
      ['table', '| Pier | First \\| last |\n| --- | --- |\n| North | 07:00 |\n| South | 08:00 |'],
      ['list', '- No dogs\n  - but guide dogs\n- No bicycles'],
      ['paragraph', 'Loose text a red buoy here'],
      ['heading', 'Signals'],
      ['code', 'if fog:\n    horn(2)'],
      ['quote', '> Keep clear of the ramp.'],
    ]);
  });

  test('all of the body where main or article is not the only one', () => {
    const { text } = parse('html', '<article>One</article><article>Two</article><p>Three');
    assert.equal(text, 'One\n\nTwo\n\nThree');
    assert.equal(parse('html', '<p>Out<article>In</article>').text, 'In');
  });

  test('a table used for layout is only a container', () => {
    const { blocks } = parse('html', '<table><tr><td><h2>A</h2><p>b</td></tr></table>');
    assert.deepEqual(
      blocks.map((block) => block.kind),
      ['heading', 'paragraph'],
    );
  });

  test('a page nested too deep keeps its words', () => {
    const { text } = parse('html', `${'<div>'.repeat(100_000)}deep &amp; <script>no</script>words`);
    assert.equal(text, 'deep &\nwords');
  });
});

describe('plain text', () => {
  test('paragraphs between blank lines; signs mean nothing', () => {
    const { text, blocks } = parse('text', '\n # a\nb\n \t\n\n- c\n');
    assert.deepEqual(
      blocks.map((block) => [block.kind, text.slice(block.start, block.end)]),
      [
        ['paragraph', '# a\nb'],
        ['paragraph', '- c'],
      ],
    );
  });
});

describe('front matter', () => {
  test('becomes metadata; dates stay strings', () => {
    const content = '---\ntitle: A\ndate: 2024-01-31\ntags: [x, 2]\nversion: "1.10"\n---\n# A\n';
    assert.deepEqual(splitFrontMatter(content), {
      metadata: { title: 'A', date: '2024-01-31', tags: ['x', 2], version: '1.10' },
      body: '# A\n',
    });
    assert.deepEqual(splitFrontMatter('---\r\na: 1\r\n---\r\nb').metadata, { a: 1 });
    assert.deepEqual(splitFrontMatter('---\n---\nb'), { metadata: {}, body: 'b' });
  });

  test('what is none stays in the body', () => {
    for (const content of [
      '# A',
      '---\nno end',
      '---\njust prose\n---\nb',
      '----\na: 1\n---\n',
      'x\n---\na: 1\n---',
    ]) {
      assert.deepEqual(splitFrontMatter(content), { metadata: {}, body: content });
    }
  });

  test('broken YAML is refused with its line and without its words', () => {
    for (const yaml of ['a: 1\nb: [secret', 'a: 1\na: secret', 'a: &x [1]\nb: "secret']) {
      assert.throws(
        () => splitFrontMatter(`---\n${yaml}\n---\nbody`),
        (error: unknown) =>
          hasCode(error, 'invalid_document') &&
          /line [234]/u.test(error.message) &&
          !error.message.includes('secret'),
      );
    }
  });

  test('bombs and bottomless nesting are refused', () => {
    const aliases = [
      'a: &a [x, x]',
      ...'bcdefghijklmnopqrst'.split('').map((c, i) => {
        const b = String.fromCharCode(97 + i);
        return `${c}: &${c} [${`*${b}, `.repeat(9)}*${b}]`;
      }),
    ];
    for (const yaml of [aliases.join('\n'), `a: ${'['.repeat(100_000)}`, `a: ${'x'.repeat(300_000)}`]) {
      assert.throws(
        () => splitFrontMatter(`---\n${yaml}\n---\n`),
        (error: unknown) => hasCode(error, 'invalid_document'),
      );
    }
  });
});
