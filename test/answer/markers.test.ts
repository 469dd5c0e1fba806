import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMarkerFilter } from '../../src/answer/markers.js';

function filtered(
  pieces: readonly string[],
  known = 3,
): {
  readonly text: string;
  readonly shown: readonly string[];
  readonly filter: ReturnType<typeof createMarkerFilter>;
} {
  const filter = createMarkerFilter(known);
  const shown = [...pieces.map((piece) => filter.push(piece)), filter.end()];
  return { text: shown.join(''), shown, filter };
}

describe('citation markers', () => {
  const cases: readonly (readonly [string, string, number[]])[] = [
    ['Thirty days [S1].', 'Thirty days [S1].', []],
    ['Thirty days [S9].', 'Thirty days.', [9]],
    ['A [S1, S9] and [S7,S2]', 'A [S1] and [S2]', [9, 7]],
    ['[S0] zero', ' zero', [0]],
    ['Both [S1][S3] and [s2; 3]', 'Both [S1][S3] and [S2, S3]', []],
    ['array[0], [2024], [Sun], [S], [', 'array[0], [2024], [Sun], [S], [', []],
    ['nested [[S2]]', 'nested [[S2]]', []],
    ['open at the end [S1', 'open at the end [S1', []],
    ['twice [S9] [S9]', 'twice', [9]],
    ['spaces stay  ', 'spaces stay  ', []],
  ];
  for (const [given, expected, unknown] of cases) {
    test(JSON.stringify(given), () => {
      const { text, filter } = filtered([given]);
      assert.equal(text, expected);
      assert.deepEqual(filter.unknown, unknown);
      for (const { start, end, sources } of filter.markers) {
        assert.equal(text.slice(start, end), `[${sources.map((number) => `S${String(number)}`).join(', ')}]`);
      }
    });
  }

  test('however the text is cut into pieces, the same comes out, and no marker is half shown', () => {
    const token = fc.constantFrom(
      '[',
      'S',
      '1',
      '9',
      ', ',
      ']',
      ' ',
      'word',
      '[S2]',
      '[S8]',
      '[S1, S9]',
      '\n',
      '. ',
    );
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 30 }),
        fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
        (tokens, cuts) => {
          const whole = tokens.join('');
          const pieces: string[] = [];
          for (let from = 0, turn = 0; from < whole.length; turn += 1) {
            const size = 1 + (cuts[turn % cuts.length] ?? 0);
            pieces.push(whole.slice(from, from + size));
            from += size;
          }
          const once = filtered([whole]);
          const many = filtered(pieces);
          assert.equal(many.text, once.text);
          assert.deepEqual(many.filter.markers, once.filter.markers);
          assert.deepEqual(many.filter.unknown, once.filter.unknown);
          assert.ok(!/\[S[89]\]/u.test(once.text));
          // What is shown after each piece never ends within a marker.
          let so = '';
          for (const shown of many.shown) {
            so += shown;
            for (const { start, end } of many.filter.markers)
              assert.ok(so.length <= start || so.length >= end);
          }
        },
      ),
      { seed: 7, numRuns: 2000 },
    );
  });
});
