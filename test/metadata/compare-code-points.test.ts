import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareCodePoints } from '../../src/metadata/compare-code-points.js';

const text = fc.string({ unit: 'binary', maxLength: 6 });
const near = fc.string({
  unit: fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
});

describe('compareCodePoints', () => {
  it('orders as the bytes of UTF-8 do', () => {
    const property = (a: string, b: string): void =>
      assert.equal(Math.sign(compareCodePoints(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    fc.assert(fc.property(text, text, property), { seed: 1, numRuns: 2000 });
    fc.assert(fc.property(near, near, property), { seed: 2, numRuns: 2000 });
  });

  it('is a total order on ill-formed text too', () => {
    const any = fc.string({
      unit: fc.integer({ min: 0xd7fe, max: 0xe001 }).map((unit) => String.fromCharCode(unit)),
    });
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        assert.equal(Math.sign(compareCodePoints(a, b)), 0 - Math.sign(compareCodePoints(b, a)));
        assert.equal(compareCodePoints(a, b) === 0, a === b);
        if (compareCodePoints(a, b) <= 0 && compareCodePoints(b, c) <= 0)
          assert.ok(compareCodePoints(a, c) <= 0);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
