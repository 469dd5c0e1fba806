import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SYSTEM_FIELDS, assertFields } from '../../src/metadata/fields.js';
import type { Fields } from '../../src/model.js';

describe('assertFields', () => {
  it('takes good names, and system fields of their own type', () => {
    assertFields({ a: 'keyword', 'a.b': 'number[]', 'größe "x"': 'date', ...SYSTEM_FIELDS });
  });

  const bad: readonly (readonly [string, string])[] = [
    ['', 'is empty'],
    ['$eq', 'operators'],
    ['a\0', 'NUL'],
    ['\ud800', 'surrogate'],
    ['x'.repeat(201), '200'],
    ['__proto__', '__proto__'],
  ];
  for (const [name, words] of bad) {
    it(`refuses a name that ${words}`, () => {
      const fields = Object.fromEntries([[name, 'keyword']]) as Fields;
      assert.throws(() => assertFields(fields), { code: 'invalid_request', message: new RegExp(words, 'u') });
    });
  }

  it('refuses another type for a system field, and too many fields', () => {
    assert.throws(() => assertFields({ title: 'number' }), {
      code: 'field_type_conflict',
      field: 'fields.title',
    });
    const many = Object.fromEntries(
      Array.from({ length: 201 }, (_, at) => [`f${String(at)}`, 'number' as const]),
    );
    assert.throws(() => assertFields(many), { code: 'invalid_request', field: 'fields' });
  });
});
