/** Eval sets that expect what their collection does not hold, at every place that takes one. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readRecord } from '../../eval/record.js';
import { jsonl, withFolder, writeFiles } from '../eval/support.js';
import { openTwoGenerations } from './two-generations.js';
import type { TwoGenerations } from './two-generations.js';

const WORDS = ['pump', 'valve', 'rotor', 'brake', 'gear', 'shaft', 'seal', 'bolt', 'nut', 'cam'];

interface Opened extends TwoGenerations {
  readonly folder: string;
  /** Writes a file of questions that expect these documents. */
  readonly ask: (name: string, documents: readonly string[]) => Promise<void>;
}

/** A collection of two generations. */
async function withParts(work: (opened: Opened) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const { runtime, run } = await openTwoGenerations(folder, WORDS);
    await work({
      folder,
      runtime,
      run,
      ask: (name, documents) =>
        writeFile(
          join(folder, name),
          jsonl(documents.map((document) => ({ query: `the ${document}`, expected: [{ document }] }))),
        ),
    });
  });
}

const GHOSTS = Array.from({ length: 12 }, (_, at) => `ghost-${String(at + 10)}`);
/** Ten are named, the others counted. */
const NAMED = `12 of 22 expected documents are not in the collection: ${GHOSTS.slice(0, 10).join(', ')} and 2 more`;

describe('an eval set that expects documents which are not there', () => {
  test('is kept by "evalset add" with a warning, for people and as JSON', async () => {
    await withParts(async ({ run, runtime, ask }) => {
      await ask('some.jsonl', [...WORDS, ...GHOSTS]);
      const added = await run('evalset', 'add', 'parts', 'some.jsonl');
      assert.deepEqual([added.code, added.stderr], [0, `warning: ${NAMED}\n`]);
      assert.equal((await runtime.evalSets.get('parts', 'some')).questions.length, 22);

      const { code, stdout, stderr } = await run('evalset', 'add', 'parts', 'some.jsonl', '--json');
      assert.deepEqual([code, stderr], [0, '']);
      const kept = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
      assert.deepEqual([kept['name'], kept['questions']], ['some', 22]);
      assert.deepEqual(kept['warnings'], [{ code: 'documents_missing', message: NAMED }]);

      // Documents may come later: not even a set of none is refused.
      await ask('none.jsonl', ['ghost']);
      const none = await run('evalset', 'add', 'parts', 'none.jsonl');
      assert.equal(none.code, 0);
      assert.equal(none.stderr, 'warning: 1 of 1 expected documents is not in the collection: ghost\n');
      await ask('all.jsonl', WORDS);
      assert.equal((await run('evalset', 'add', 'parts', 'all.jsonl')).stderr, '');
    });
  });

  test('is measured by "eval" and "gate" with the warning', async () => {
    await withParts(async ({ run, ask, folder }) => {
      await ask('some.jsonl', [...WORDS, ...GHOSTS]);
      await run('evalset', 'add', 'parts', 'some.jsonl');
      for (const questions of [
        ['--eval-set', 'some'],
        ['--questions', 'some.jsonl'],
      ]) {
        const measured = await run('eval', '--collection', 'parts', ...questions, '--json', 'record.json');
        assert.equal(measured.code, 0, measured.stderr);
        assert.ok(measured.stderr.includes(`warning: ${NAMED}\n`), measured.stderr);
        assert.doesNotMatch(measured.stdout, /warning/u);
        const record = await readRecord(join(folder, 'record.json'));
        assert.deepEqual(record.data_set.warnings, [NAMED]);
      }
      const swept = await run(
        ...['eval', '--collection', 'parts', '--sweep', 'mode=vector,keyword', '--eval-set', 'some'],
      );
      assert.equal(swept.stderr.split(`warning: ${NAMED}\n`).length, 2, 'once, though measured twice');

      await writeFile(join(folder, 'policy.json'), '{"max_latency_ratio": null}');
      const gated = await run('gate', 'parts', '--policy', 'policy.json', '--json', 'gate.json');
      assert.equal(gated.code, 0, gated.stderr);
      assert.ok(gated.stderr.includes(`warning: ${NAMED}\n`), gated.stderr);
      const result = JSON.parse(await readFile(join(folder, 'gate.json'), 'utf8')) as {
        readonly warnings: unknown;
      };
      assert.deepEqual(result.warnings, [{ code: 'documents_missing', message: NAMED }]);
    });
  });

  test('is refused by "eval" and "gate" where none is there, naming the field and the fix', async () => {
    await withParts(async ({ run, runtime, ask }) => {
      await ask('none.jsonl', GHOSTS);
      await run('evalset', 'add', 'parts', 'none.jsonl');
      for (const [args, field] of [
        [['gate', 'parts'], 'eval_set'],
        [['eval', '--collection', 'parts'], 'eval_set'],
        [['eval', '--collection', 'parts', '--sweep', 'mode=vector,keyword'], 'eval_set'],
        [['eval', '--collection', 'parts', '--questions', 'none.jsonl'], 'questions'],
      ] as const) {
        const { code, stderr, stdout } = await run(...args);
        assert.deepEqual([code, stdout], [2, ''], args.join(' '));
        assert.match(stderr, /every measure would be 0: 12 of 12 expected documents are not in the coll/u);
        assert.match(stderr, /Ingest them, or correct the ids/u);
        assert.match(stderr, /code: invalid_data_set/u);
        assert.match(stderr, new RegExp(`field: ${field}$`, 'mu'));
      }
      const [, candidate] = await runtime.generations.list('parts');
      assert.equal(candidate?.gate, null, 'a gate that was refused leaves no verdict');
    });
  });

  test('passages that their document does not hold are told of by question; grade 0 is not expected', async () => {
    await withParts(async ({ run, folder }) => {
      const wrong = { document: 'pump', passage: 'nothing of the kind was ever said of it' };
      const right = { document: 'valve', passage: 'valve turns by day' };
      await writeFile(
        join(folder, 'passages.jsonl'),
        jsonl([
          { id: 'first', query: 'pump', expected: [wrong, { document: 'ghost', grade: 0 }] },
          { query: 'valve', expected: [right] },
        ]),
      );
      const message = '1 of 2 expected passages is not in its document: pump (question first)';
      const { stdout } = await run('evalset', 'add', 'parts', 'passages.jsonl', '--json');
      assert.deepEqual((JSON.parse(stdout) as { readonly warnings: unknown }).warnings, [
        { code: 'passages_missing', message },
      ]);
      const measured = await run('eval', '--collection', 'parts');
      assert.equal(measured.code, 0, measured.stderr);
      assert.ok(measured.stderr.includes(`warning: ${message}\n`), measured.stderr);

      for (const expected of [[wrong], [{ document: 'pump', grade: 0 }]]) {
        await writeFile(join(folder, 'zero.jsonl'), jsonl([{ query: 'pump', expected }]));
        const refused = await run('eval', '--collection', 'parts', '--questions', 'zero.jsonl');
        assert.equal(refused.code, 2, refused.stdout);
        assert.match(refused.stderr, /every measure would be 0/u);
      }
    });
  });

  test('"evalset grow" tells of the documents that a set had and its collection lost', async () => {
    await withParts(async ({ run, runtime, ask, folder }) => {
      await ask('own.jsonl', ['pump', 'valve']);
      await run('evalset', 'add', 'parts', 'own.jsonl');
      await runtime.catalog.deleteDocument('parts', 'valve');
      await writeFile(
        join(folder, 'judged.jsonl'),
        jsonl([{ query: 'rotor', document: 'rotor', relevant: true }]),
      );
      const message = '1 of 3 expected documents is not in the collection: valve';
      const grow = ['evalset', 'grow', 'parts', '--judgements', 'judged.jsonl'];
      const grown = await run(...grow);
      assert.deepEqual([grown.code, grown.stderr], [0, `warning: ${message}\n`]);
      await writeFile(
        join(folder, 'judged.jsonl'),
        jsonl([{ query: 'rotor', document: 'brake', relevant: false }]),
      );
      const { stdout } = await run(...grow, '--json');
      assert.deepEqual((JSON.parse(stdout) as { readonly warnings: unknown }).warnings, [
        { code: 'documents_missing', message },
      ]);
    });
  });
});

test('a folder is held against the collection that it is asked of', async () => {
  await withParts(async ({ run, folder }) => {
    await writeFiles(join(folder, 'set'), {
      'queries.jsonl': jsonl([{ _id: 'q1', text: 'the pump' }]),
      'qrels/test.tsv': 'q1\tpump\t1\nq1\tghost\t1\nq1\tunjudged\t0\n',
      'qrels/none.tsv': 'q1\tghost\t1\n',
    });
    const measured = await run('eval', 'set', '--collection', 'parts');
    assert.equal(measured.code, 0, measured.stderr);
    assert.match(measured.stderr, /warning: 1 of 2 expected documents is not in the collection: ghost\n/u);
    const refused = await run('eval', 'set', '--collection', 'parts', '--split', 'none');
    assert.equal(refused.code, 2, refused.stdout);
    assert.match(refused.stderr, /field: folder$/mu);
  });
});

test('of many documents none is overlooked', async () => {
  await withParts(async ({ runtime }) => {
    const ids = Array.from({ length: 2500 }, (_, at) => (at === 2400 ? 'pump' : `ghost-${String(at)}`));
    assert.deepEqual([...(await runtime.catalog.presentDocuments('parts', ids))], ['pump']);
    assert.equal((await runtime.catalog.presentDocuments('parts', [])).size, 0);
    await assert.rejects(runtime.catalog.presentDocuments('none', ids), { code: 'collection_not_found' });
  });
});
