import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomisationTest } from '../../eval/statistics.js';
import { checkMeasures, referencePermutation } from '../../eval/verify.js';
import { writeRun } from '../../eval/trec.js';
import { withFolder } from './support.js';

// Needs Python 3.11 and a package registry for its first run.
const skip = process.env['PLUMBLINE_TEST_VERIFY'] === undefined && 'set PLUMBLINE_TEST_VERIFY=1 to run';

test('a run file measures the same here and by trec_eval, through the files', { skip }, async () => {
  await withFolder(async (folder) => {
    const run = new Map(
      Array.from({ length: 30 }, (_, query) => [
        `q ${String(query)}`,
        Array.from({ length: (query * 7) % 120 }, (_, at) => ({
          id: at % 9 === 0 ? `doc ${String(at)}` : `d/${String(at)}`,
          score: Math.round(100 * Math.sin(query + at * at)) / 100,
        })),
      ]),
    );
    const qrels = [...run.keys()].flatMap((query, q) =>
      Array.from({ length: 12 }, (_, at) => {
        const number = (at * (q + 3)) % 130;
        const id = number % 9 === 0 ? `doc ${String(number)}` : `d/${String(number)}`;
        return `${query}\t${id}\t${String(((q + number) % 5) - 1)}\n`;
      }),
    );
    const [runPath, qrelsPath] = [join(folder, 'run.trec'), join(folder, 'qrels.tsv')];
    await writeRun(runPath, run, 'test');
    await writeFile(qrelsPath, `query-id\tcorpus-id\tscore\n${qrels.join('')}`);
    const check = await checkMeasures(runPath, qrelsPath);
    assert.equal(check.queries, 30);
    assert.ok(check.ours.map > 0);
    assert.ok(check.largest <= 1e-6, String(check.largest));
  });
});

test('p is that of SciPy', { skip }, async () => {
  const differences = Array.from({ length: 120 }, (_, at) => Math.sin(at * at) / 5 + 0.02);
  const [theirs] = await referencePermutation([differences]);
  assert.ok(Math.abs(randomisationTest(differences) - (theirs ?? Number.NaN)) < 0.012);
});
