import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { countTerms, createAnalyzer } from '../../src/analysis/analyzer.js';

const english = createAnalyzer('english');
const plain = createAnalyzer('none');

describe('analysis', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    ['  \n?!…—', []],
    ['Hello, World', ['hello', 'world']],
    ['0.8.2', ['0.8.2', '0', '8', '2']],
    ['v1.2 1.2', ['1.2', '1', '2', '1.2', '1', '2']],
    ['node.js', ['node.js', 'node', 'js']],
    ['ERR_TIMEOUT', ['err_timeout', 'err', 'timeout']],
    ['covid-19', ['covid-19', 'covid', '19']],
    ['well-known', ['well', 'known']],
    ['C++ and C# and .NET', ['c++', 'and', 'c#', 'and', '.net']],
    ['größe naïve Ångström', ['große', 'naive', 'angstrom']],
    ['ﬁle №5', ['file', 'no5']],
    ['漢字かな', ['漢字', '字か', 'かな']],
    ['漢', ['漢']],
    ['第3章', ['第', '3', '章']],
    ['😀 🙂', []],
  ];
  for (const [text, terms] of cases) {
    it(`plain: ${JSON.stringify(text)}`, () => assert.deepEqual(plain(text), terms));
  }

  it('English: stems, drops function words, keeps names', () => {
    assert.deepEqual(english('The engines of the running machines'), english('engine runs machine'));
    assert.deepEqual(english('the of and is'), []);
    assert.deepEqual(english("the dog's bones"), english('dog bone'));
    assert.deepEqual(english('C++ v0.8.2'), ['c++', '0.8.2', '0', '8', '2']);
  });

  it('gives composed and decomposed text the same terms', () => {
    for (const text of ['Ångström', 'résumé', 'Größe', 'Việt Nam', 'がぎ', '한국어', 'हिन्दी']) {
      assert.deepEqual(plain(text.normalize('NFD')), plain(text.normalize('NFC')), text);
    }
  });

  it('takes its own terms apart no further than they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        const terms = new Set(plain(text));
        for (const term of terms) assert.ok(plain(term).includes(term), JSON.stringify([text, term]));
      }),
      { seed: 11, numRuns: 3000 },
    );
  });

  it('answers well-formed, short terms for any text, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        for (const analyze of [plain, english]) {
          const terms = analyze(text);
          assert.deepEqual(analyze(text), terms);
          assert.ok(terms.every((term) => term !== '' && term.length <= 128 && term.isWellFormed()));
        }
      }),
      { seed: 12, numRuns: 3000 },
    );
  });

  it('keeps over-long words apart in short terms', () => {
    const [a, b] = ['a', 'b'].map((end) => english(`${'x'.repeat(5000)}${end}`));
    assert.equal(a?.length, 1);
    assert.match(a[0] ?? '', /^[0-9a-f]{64}$/u);
    assert.notDeepEqual(a, b);
  });

  it('counts terms', () => {
    assert.deepEqual(
      countTerms(['b', 'a', 'b']),
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
    );
  });
});

describe('analysis of hostile text takes time in proportion', () => {
  const patterns = {
    'one letter': 'a',
    dots: '.',
    'letters and dots': 'a.',
    'letters, dots and digits': 'a1.b-2_',
    apostrophes: "a'",
    'half pairs': '\ud800',
    'combining marks': 'e\u0301\u0323',
    'marks only': '\u0301\u0323',
    Han: '漢',
    'Han and letters': '漢a',
    'C and signs': 'c+',
    'different words': null,
    ligatures: 'ﷺ',
  } as const;
  for (const [name, pattern] of Object.entries(patterns)) {
    it(name, () => {
      const make = (length: number): string =>
        pattern === null
          ? Array.from({ length: length / 8 }, (_, at) => `w${at.toString(36)}`.padEnd(7, 'q')).join(' ')
          : pattern.repeat(length / pattern.length);
      // Were it quadratic, this would take half an hour or more, and the runner would end the file.
      assert.ok(Array.isArray(english(make(1_000_000))));
    });
  }
});
