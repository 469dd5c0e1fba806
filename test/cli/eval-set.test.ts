/** `plumbline eval` over the questions that a collection keeps. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRecord } from '../../eval/record.js';
import { withFolder } from '../eval/support.js';
import { openTwoGenerations } from './two-generations.js';
import type { TwoGenerations } from './two-generations.js';

const WORDS = ['pump', 'valve', 'rotor', 'brake'];

/** A collection of two generations that keeps a set of documents and passages. */
async function open(folder: string): Promise<TwoGenerations> {
  const { runtime, run } = await openTwoGenerations(folder, WORDS);
  await runtime.evalSets.put('parts', {
    name: 'own',
    questions: [
      { query: 'the pump', expected: [{ document: 'pump' }] },
      { query: 'the valve', expected: [{ document: 'valve', passage: 'The valve turns by day' }] },
      { query: 'the rotor', expected: [{ document: 'rotor', passage: 'Nothing of the kind is said' }] },
    ],
  });
  return { runtime, run };
}

test('the only set is asked as it is, by document and by passage, and two generations compare', async () => {
  await withFolder(async (folder) => {
    const { runtime, run } = await open(folder);
    const [active, other] = await runtime.generations.list('parts');
    const measured = await run(
      ...['eval', '--collection', 'parts', '--json', 'a.json', '--html', 'a.html', '--junit', 'a.xml'],
      ...['--run', 'a.trec', '--fail-under', 'recall@10=0.6'],
    );
    assert.equal(measured.code, 0, measured.stderr);
    assert.match(measured.stdout, /^own questions · 3 queries · hybrid/mu);
    const record = await readRecord(join(folder, 'a.json'));
    assert.deepEqual(
      record.per_query.map((query) => query.metrics['recall@10']),
      [1, 1, 0],
    );
    assert.deepEqual([record.generation, record.ingest], [active?.id, null]);
    assert.match(await readFile(join(folder, 'a.html'), 'utf8'), /the valve/u);
    assert.match(await readFile(join(folder, 'a.xml'), 'utf8'), /tests="4" failures="0"/u);

    const named = await run(
      ...['eval', '--collection', 'parts', '--eval-set', 'own', '--generation', String(other?.id)],
      ...['--json', 'b.json', '--fail-under', 'recall@10=0.9'],
    );
    assert.equal(named.code, 4, named.stderr);
    const second = await readRecord(join(folder, 'b.json'));
    assert.deepEqual([second.generation, second.settings.embedder], [other?.id, 'second']);
    const compared = await run('eval', 'compare', 'a.json', 'b.json');
    assert.equal(compared.code, 0, compared.stderr);
    assert.match(compared.stdout, /embedder/u);

    const swept = await run(
      ...[
        'eval',
        '--collection',
        'parts',
        '--generation',
        String(other?.id),
        '--sweep',
        'mode=vector,keyword',
      ],
      ...['--runs', 'runs', '--json', 'sweep.json'],
    );
    assert.equal(swept.code, 0, swept.stderr);
    const { runs } = JSON.parse(await readFile(join(folder, 'sweep.json'), 'utf8')) as {
      runs: { record: { generation: number } }[];
    };
    assert.deepEqual(
      runs.map((each) => each.record.generation),
      [other?.id, other?.id],
    );
  });
});

test('sets and generations that are not there are named', async () => {
  await withFolder(async (folder) => {
    const { runtime, run } = await open(folder);
    const none = await run('eval', '--collection', 'parts', '--eval-set', 'none');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /has no eval set "none"/u);
    const generation = await run('eval', '--collection', 'parts', '--generation', '999');
    assert.equal(generation.code, 2);
    assert.match(generation.stderr, /has no generation 999/u);
    await runtime.evalSets.put('parts', {
      name: 'more',
      questions: [{ query: 'x', expected: [{ document: 'pump' }] }],
    });
    const several = await run('eval', '--collection', 'parts');
    assert.equal(several.code, 2);
    assert.match(several.stderr, /several eval sets; name one of: more, own/u);
  });
});
