import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showSummary } from '../../src/cli/summary.js';
import type { IngestSummary } from '../../src/ingest/types.js';
import { captureOutput } from './support.js';

const SUMMARY: IngestSummary = {
  added: 0,
  changed: 0,
  unchanged: 0,
  removed: 0,
  failed: [],
  withoutText: { documents: 0, ids: [] },
  chunks: 0,
  embedded: 0,
  reused: 0,
  pruneSkipped: false,
  elapsedMs: 1,
};

test('a failed document is named on one line, whatever its id is', () => {
  const output = captureOutput();
  const failed = ['a\nb', '', 'x'.repeat(5000)].map((name) => ({
    name,
    code: 'invalid_document' as const,
    reason: 'is wrong',
  }));
  showSummary(output, 'parts', { ...SUMMARY, failed });
  assert.deepEqual(
    output
      .text()
      .split('\n')
      .filter((line) => line.startsWith('failed')),
    [
      'failed a b: is wrong (invalid_document)',
      'failed "": is wrong (invalid_document)',
      `failed ${'x'.repeat(200)} …: is wrong (invalid_document)`,
    ],
  );
});

test('documents without text are a note', () => {
  const shown = (documents: number, ids: readonly string[]): string => {
    const output = captureOutput();
    showSummary(output, 'parts', { ...SUMMARY, added: 20, withoutText: { documents, ids } });
    return output.text();
  };
  assert.match(shown(1, ['a\nb.md']), /\n1 document without text, which no query can find: a b\.md\n/u);
  assert.match(
    shown(12, ['x', 'y']),
    /\n12 documents without text, which no query can find: x, y, and 10 more\n/u,
  );
  assert.doesNotMatch(shown(0, []), /without text/u);
});
