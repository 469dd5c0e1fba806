import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERRORS } from '../../src/errors.js';
import { plain, readDoc, section, tableUnder } from './markdown.js';

const doc = readDoc('docs/errors.md');

describe('docs/errors.md', () => {
  test('its table is that of src/errors.ts, row by row', () => {
    const documented = tableUnder(doc, '## All codes').map(([code, status, fault, retryable, title]) => ({
      code: plain(code).replace(/^\[`?([a-z_]+)`?\]\(.*\)$/u, '$1'),
      status: Number(status),
      fault,
      retryable: retryable === 'yes',
      title,
    }));
    const actual = Object.entries(ERRORS).map(([code, row]) => ({ code, ...row }));
    assert.deepEqual(documented, actual);
  });

  for (const code of Object.keys(ERRORS)) {
    test(`${code} has a section that says what to do`, () => {
      const text = section(doc, `### ${code}`);
      const remedy = /\*\*What to do\.\*\* (.+)/u.exec(text)?.[1] ?? '';
      assert.ok(remedy.length > 20, `### ${code} lacks "**What to do.** …"`);
    });
  }

  test('there is no section of a code that is not', () => {
    const sections = [...doc.matchAll(/^### (.+)$/gmu)].map((match) => match[1]);
    assert.deepEqual(sections, Object.keys(ERRORS));
  });
});
