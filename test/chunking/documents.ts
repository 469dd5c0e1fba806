/** Drawn documents: Markdown, HTML, plain text, and what is none of these. */
import fc from 'fast-check';

const word = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'river',
      'a',
      'lighthouse',
      'of',
      'e.g.',
      '3.14',
      'C++',
      'naïve',
      '漢字',
      '*b*',
      '`c`',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);
const sentence = fc.array(word, { minLength: 1, maxLength: 25 }).map((list) => `${list.join(' ')}.`);
const prose = fc.array(sentence, { minLength: 1, maxLength: 6 }).map((list) => list.join(' '));
const lines = (of: fc.Arbitrary<string>, most: number): fc.Arbitrary<readonly string[]> =>
  fc.array(of, { minLength: 1, maxLength: most });

const markdownBlock = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 6 }), word)
      .map(([level, text]) => `${'#'.repeat(level)} ${text}`),
  },
  { weight: 4, arbitrary: prose },
  lines(sentence, 8).map((list) => list.map((text) => `- ${text}`).join('\n')),
  lines(word, 12).map((list) => `| h | i |\n| - | - |\n${list.map((text) => `| ${text} | x |`).join('\n')}`),
  lines(prose, 10).map((list) => `\`\`\`js\n  ${list.join('\n')}\n\`\`\``),
  lines(word, 10).map((list) => `~~~\n${list.join('\n')}`),
  prose.map((text) => `> ${text}`),
  prose.map((text) => `    ${text}`),
  word.map((text) => `${text}\n===`),
  fc.constantFrom('---', '<div>\n', '</div>', '[x]: y', '[^1]: note', '<!-- open'),
);
const htmlBlock = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 6 }), word)
      .map(([l, t]) => `<h${String(l)}>${t}</h${String(l)}>`),
  },
  { weight: 4, arbitrary: prose.map((text) => `<p>${text}</p>`) },
  lines(sentence, 8).map((list) => `<ul>${list.map((text) => `<li>${text}`).join('')}</ul>`),
  lines(word, 12).map(
    (list) => `<table><tr><th>h</th></tr>${list.map((t) => `<tr><td>${t}</td></tr>`).join('')}</table>`,
  ),
  lines(prose, 6).map((list) => `<pre>${list.join('\n')}</pre>`),
  prose.map((text) => `<blockquote>${text}</blockquote>`),
  prose,
  fc.constantFrom('<div>', '</div>', '<main>', '<td>', '<script>', '<ul>', '<li>', '</p>', '<b>', '<!--'),
);
/** A document as a source yields it. */
export const content = fc.oneof(
  fc.record({
    format: fc.constant('markdown' as const),
    content: lines(markdownBlock, 14).map((list) => list.join('\n\n')),
  }),
  fc.record({
    format: fc.constant('html' as const),
    content: lines(htmlBlock, 14).map((list) => list.join('\n')),
  }),
  fc.record({
    format: fc.constant('text' as const),
    content: lines(prose, 8).map((list) => list.join('\n\n')),
  }),
  fc.record({
    format: fc.constantFrom('markdown' as const, 'html' as const, 'text' as const),
    content: fc.string({ unit: 'binary', maxLength: 400 }),
  }),
);
export const title = fc.option(prose, { nil: undefined });
