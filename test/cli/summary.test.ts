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
