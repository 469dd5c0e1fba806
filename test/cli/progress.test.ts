import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Output } from '../../src/cli/context.js';
import { createProgressView, type ProgressView } from '../../src/cli/progress.js';
import type { IngestProgress } from '../../src/ingest/types.js';
import { captureOutput, jsonLines } from './support.js';

const START: IngestProgress = {
  stage: 'ingest',
  documents: 0,
  totalDocuments: 2000,
  chunks: 0,
  embedded: 0,
  failed: 0,
  elapsedMs: 0,
};

/** A view that is stopped whatever happens; a bar that is not would go on drawing. */
function openView(test: TestContext, output: Output): ProgressView {
  const view = createProgressView(output);
  test.after(() => {
    view.stop();
  });
  return view;
}

/** What a terminal shows last: the line is drawn again and again over itself. */
function lastDrawn(text: string): string {
  // Each begins by going back to the line's beginning.
  const drawings = text.split(/\u001b\[(?:0|1)G/u).map((drawing) => stripVTControlCharacters(drawing).trim());
  return drawings.filter((drawing) => drawing !== '').at(-1) ?? '';
}

test('not on a terminal: one line of JSON a stage, by the names of the REST API', (t) => {
  const output = captureOutput();
  const view = openView(t, output);
  view.update({ ...START, documents: 1, chunks: 3, elapsedMs: 12.7 });
  view.update({ ...START, documents: 2, chunks: 5, elapsedMs: 20 });
  view.update({ ...START, stage: 'index', documents: 2, chunks: 5, elapsedMs: 30 });
  view.update({ ...START, stage: 'done', documents: 2, chunks: 5, failed: 1, elapsedMs: 40.2 });
  view.stop();
  view.stop();
  assert.deepEqual(
    jsonLines(output.text()).map(({ stage, documents, elapsed_ms }) => [stage, documents, elapsed_ms]),
    [
      ['ingest', 1, 13],
      ['index', 2, 30],
      ['done', 2, 40],
    ],
  );
  assert.deepEqual(jsonLines(output.text()).at(-1), {
    stage: 'done',
    documents: 2,
    total_documents: 2000,
    chunks: 5,
    embedded: 0,
    failed: 1,
    elapsed_ms: 40,
  });
});

test('on a terminal: a bar with rate and time left', (t) => {
  const output = captureOutput({ isTerminal: true, columns: 120 });
  const view = openView(t, output);
  view.update(START);
  assert.match(lastDrawn(output.text()), /^ingesting ░{30} 0\/2000 · 0\.0\/s · 0 chunks · ETA –$/u);
  view.update({ ...START, documents: 500, chunks: 1234, failed: 2, elapsedMs: 60_000 });
  view.stop();
  const drawn = lastDrawn(output.text());
  // 500 in a minute are 8.3 a second; three minutes for the other 1500.
  assert.match(
    drawn,
    /^ingesting █{7,8}░{22,23} 500\/2000 · 8\.3\/s · 1,234 chunks · 2 failed · ETA 3 min 0 s$/u,
  );
});

test('a later stage names itself, and how long it all took', (t) => {
  const output = captureOutput({ isTerminal: true, columns: 120 });
  const view = openView(t, output);
  view.update({ ...START, documents: 2000, elapsedMs: 60_000 });
  view.update({ ...START, stage: 'index', documents: 2000, chunks: 9, elapsedMs: 61_000 });
  view.stop();
  assert.match(
    lastDrawn(output.text()),
    /^building the index █{30} 2000\/2000 · 32\.8\/s · 9 chunks · 1 min 1 s$/u,
  );
});

test('without a total there is a count, and no bar', (t) => {
  const output = captureOutput({ isTerminal: true });
  const view = openView(t, output);
  view.update({ ...START, totalDocuments: null, documents: 1500, chunks: 3000, elapsedMs: 10_000 });
  view.stop();
  assert.equal(lastDrawn(output.text()), 'ingesting 1,500 documents · 150.0/s · 3,000 chunks');
});

test('the cursor is shown again however often it is stopped', (t) => {
  const output = captureOutput({ isTerminal: true });
  const idle = createProgressView(output);
  idle.stop();
  assert.equal(output.text(), '');
  const view = openView(t, output);
  view.update({ ...START, documents: 1 });
  assert.ok(output.text().includes('\u001b[?25l'));
  view.stop();
  const text = output.text();
  assert.ok(text.lastIndexOf('\u001b[?25h') > text.lastIndexOf('\u001b[?25l'));
  view.stop();
  assert.equal(output.text(), text);
});
