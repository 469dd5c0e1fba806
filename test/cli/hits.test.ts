import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showAnswer, type ShowOptions } from '../../src/cli/hits.js';
import type { Hit, QueryAnswer } from '../../src/retrieval/schema.js';
import { ANSWER } from '../api/support.js';
import { captureOutput } from './support.js';

function show(answer: Partial<QueryAnswer>, options: Partial<ShowOptions> = {}): readonly string[] {
  const output = captureOutput();
  showAnswer(output, { ...ANSWER, ...answer }, { full: false, offset: 0, ...options });
  return output.text().split('\n');
}

function hit(members: Partial<Hit>): Hit {
  const [first] = ANSWER.hits;
  assert.ok(first !== undefined);
  return { ...first, ...members };
}

test('a hit: its place, heading path, score, citation and text; then what was searched', () => {
  assert.deepEqual(show({}), [
    '1. Leave  0.7500',
    '   leave.md · a/b · chunk 0',
    '   Everyone has 30 days.',
    '',
    'Hits 1 to 1 of 1 candidate · hybrid · hashed-words@0123456789ab · 8 ms',
    '',
  ]);
});

test('without headings the title stands in, and without a title the id', () => {
  const first = (members: Partial<Hit>): string | undefined => show({ hits: [hit(members)] })[0];
  assert.equal(first({ heading_path: [] }), '1. Leave  0.7500');
  assert.equal(first({ heading_path: [], title: null }), '1. a/b  0.7500');
  assert.equal(first({ heading_path: ['A\u001b[2J', 'B'] }), '1. A [2J › B  0.7500');
});

test('a source that is the id is not said twice', () => {
  assert.equal(show({ hits: [hit({ source: 'a/b' })] })[1], '   a/b · chunk 0');
  assert.equal(show({ hits: [hit({ source: null })] })[1], '   a/b · chunk 0');
});

test('long text is cut and marked, unless all of it is asked for', () => {
  const text = Array.from({ length: 9 }, (_, n) => `line ${String(n)}`).join('\n');
  const textLines = (options: Partial<ShowOptions>): readonly string[] =>
    show({ hits: [hit({ text })] }, options).filter((line) => line.startsWith('   line'));
  assert.equal(textLines({}).length, 5);
  assert.equal(textLines({}).at(-1), '   line 4 …');
  assert.equal(textLines({ full: true }).length, 9);
});

test('neighbours and the document’s other chunks stand with their hit', () => {
  const passage = hit({ ordinal: 1, text: 'Before it.' });
  const other = hit({ ordinal: 5, score: 0.5, heading_path: ['Leave', 'More'], text: 'Other.' });
  const lines = show({
    hits: [hit({ ordinal: 2, before: [passage], after: [{ ...passage, ordinal: 3 }], more: [other] })],
  });
  assert.deepEqual(lines.slice(1, 9), [
    '   leave.md · a/b · chunk 2',
    '   before: chunk 1',
    '   Before it.',
    '   Everyone has 30 days.',
    '   after: chunk 3',
    '   Before it.',
    '   also chunk 5  0.5000  Leave › More',
    '   Other.',
  ]);
});

test('a further page goes on counting; a page behind the last says so', () => {
  const page = show({ total: 12 }, { offset: 10 });
  assert.match(page[0] ?? '', /^11\. /u);
  assert.match(page.at(-2) ?? '', /^Hits 11 to 11 of 12 candidates · /u);
  assert.match(
    show({ hits: [], total: 12 }, { offset: 20 })[0] ?? '',
    /^No hits from 21 on, of 12 candidates · /u,
  );
  assert.match(show({ hits: [], total: 0 })[0] ?? '', /^No hits · /u);
});
