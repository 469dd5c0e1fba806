import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { atOnce } from '../../src/chunking/steps.js';
import { parseDocument } from '../../src/chunking/parse.js';
import { PIPELINE_VERSION, contentHash } from '../../src/ingest/content-hash.js';
import type { RawDocument } from '../../src/model.js';

const SLICE = 262_144;

/** Something at the end of a slice that must not be cut, or may not be whole. */
const AT_BORDERS: ReadonlyMap<string, string> = new Map([
  ['nothing', ''],
  ['a surrogate pair', '😀'],
  ['a line end of two', '\r\n'],
  ['two line ends', '\r\r\n\n'],
  ['half a pair', '\ud83dx'],
  ['the other half', '\ude00x'],
  ['what JSON escapes', '"\\\0"'],
]);

for (const [name, middle] of AT_BORDERS) {
  test(`a long document in slices is what it is as a whole, with ${name} between two`, () => {
    for (const before of [SLICE - 2, SLICE - 1, SLICE]) {
      const content = `\uFEFF${'x'.repeat(before)}${middle}${'y'.repeat(SLICE)}`;
      const raw: RawDocument = { id: 'a', format: 'text', title: 'T', content, metadata: { b: 1, a: 2 } };
      const whole = JSON.stringify([PIPELINE_VERSION, 'text', 'T', null, { a: 2, b: 1 }, content]);
      assert.equal(atOnce(contentHash(raw)), createHash('sha256').update(whole).digest('hex'));
      const text = content.slice(1).toWellFormed().replaceAll('\0', '\uFFFD').replace(/\r\n?/gu, '\n');
      assert.ok(parseDocument(raw).text === text);
    }
  });
}
