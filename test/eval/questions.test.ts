import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadDataSet } from '../../eval/dataset.js';
import { judgedItems } from '../../eval/passages.js';
import { loadQuestions } from '../../eval/questions.js';
import { evaluate } from '../../eval/run.js';
import { holdsPassage } from '../../src/generations/passage.js';
import { SMALL, createWordRuntime, jsonl, withFolder, writeFiles } from './support.js';

async function load(text: string): Promise<Awaited<ReturnType<typeof loadQuestions>>> {
  return withFolder(async (folder) => {
    const path = join(folder, 'questions.jsonl');
    await writeFile(path, text);
    return loadQuestions(path);
  });
}

describe('a file of questions', () => {
  test('is judged by documents and by passages', async () => {
    const dataSet = await load(
      jsonl([
        {
          query: 'How long?',
          expected: [{ document: 'a' }, { document: 'b', grade: 2 }],
          note: 'is not looked at',
        },
        {
          id: 'who',
          query: 'Who?',
          expected: [
            { document: 'c', passage: 'One.' },
            { document: 'c', passage: 'Two.' },
          ],
        },
        { query: 'What?', expected: [{ document: 7, grade: 0 }] },
      ]),
    );
    assert.equal(dataSet.name, 'questions');
    assert.deepEqual(
      [...dataSet.queries],
      [
        ['q1', 'How long?'],
        ['who', 'Who?'],
        ['q3', 'What?'],
      ],
    );
    assert.deepEqual(
      [...(dataSet.qrels.get('q1') ?? [])],
      [
        ['a', 1],
        ['b', 2],
      ],
    );
    assert.deepEqual(
      [...(dataSet.qrels.get('who') ?? [])],
      [
        ['c#passage-1', 1],
        ['c#passage-2', 1],
      ],
    );
    assert.deepEqual([...(dataSet.passages?.keys() ?? [])], ['who']);
    assert.equal(dataSet.judgements, 5);
    assert.deepEqual(dataSet.warnings, ['questions without a relevant document, which count as 0: 1']);
  });

  test('its hash changes with a passage', async () => {
    const one = await load(jsonl([{ query: 'q', expected: [{ document: 'a', passage: 'x y z' }] }]));
    const other = await load(jsonl([{ query: 'q', expected: [{ document: 'a', passage: 'x y' }] }]));
    assert.notEqual(one.hash, other.hash);
  });

  for (const [name, text, problem] of [
    ['nothing', '\n', /holds no question/u],
    ['no JSON', '{"query": ', /line 1: is not JSON/u],
    ['a blank question', jsonl([{ query: ' ', expected: [{ document: 'a' }] }]), /line 1: query is empty/u],
    ['nothing expected', jsonl([{ query: 'q', expected: [] }]), /line 1: expected is empty/u],
    [
      'a mistyped member',
      jsonl([{ query: 'q', expected: [{ document: 'a', pasage: 'x' }] }]),
      /line 1: expected\.0 /u,
    ],
    [
      'an id twice',
      jsonl([
        { id: 'q2', query: 'q', expected: [{ document: 'a' }] },
        { query: 'r', expected: [{ document: 'a' }] },
      ]),
      /line 2: the id has come before/u,
    ],
    [
      'a document as a whole and by passage',
      jsonl([{ query: 'q', expected: [{ document: 'a' }, { document: 'a', passage: 'x' }] }]),
      /both as a whole and by a passage/u,
    ],
  ] as const) {
    test(`${name} is refused with its line`, async () => {
      await assert.rejects(load(text), { code: 'invalid_data_set', message: problem });
    });
  }
});

describe('a passage', () => {
  test('is found whatever its white space, case and markup', () => {
    assert.ok(
      holdsPassage('Parents have **sixteen\n weeks** of leave.', 'parents have sixteen weeks of leave'),
    );
    assert.ok(!holdsPassage('Parents have six weeks of leave.', 'sixteen weeks'));
    assert.ok(!holdsPassage('sixteenth weekend', 'sixteen week'), 'words, not letters');
    assert.ok(!holdsPassage('anything', '…'), 'no word is nowhere');
  });

  test('that a border cuts is held by the part with half of it', () => {
    const passage = 'one two three four five six seven eight nine ten';
    assert.ok(holdsPassage('zero one two three four five six', passage));
    assert.ok(!holdsPassage('seven eight nine ten eleven', passage));
  });

  test('makes a hit an item; other hits of its document are not judged', () => {
    const hit = (document_id: string, chunk_id: string, text: string, score: number) => ({
      document_id,
      chunk_id,
      text,
      score,
    });
    const expected = [
      { document: 'a', text: 'red house', item: 'a#passage-1' },
      { document: 'a', text: 'blue door', item: 'a#passage-2' },
    ];
    assert.deepEqual(
      judgedItems(
        [
          hit('a', '1', 'a red house with a blue door', 3),
          hit('a', '2', 'a garden', 2),
          hit('b', '3', 'red house', 1),
        ],
        expected,
      ),
      [
        { id: 'a#passage-1', score: 3 },
        { id: 'a#passage-2', score: 3 },
        { id: 'a#2', score: 2 },
        { id: 'b', score: 1 },
      ],
    );
  });
});

test('a question that has the name of a document may find it', async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const corpus = await loadDataSet(folder, { split: 'test', corpus: true });
    const runtime = createWordRuntime();
    const target = { kind: 'own', settings: { embedder: 'words' } } as const;
    const { prepared } = await evaluate(runtime, corpus, { target });
    const [id = ''] = corpus.qrels.values().next().value?.keys() ?? [];
    await writeFiles(folder, {
      'own.jsonl': JSON.stringify({ id, query: 'red circle blue', expected: [{ document: id }] }),
    });
    const questions = await loadQuestions(join(folder, 'own.jsonl'));
    const { record } = await evaluate(runtime, questions, {
      target: { kind: 'existing', collection: prepared.subject.name },
    });
    assert.ok(record.per_query[0]?.hits.some((hit) => hit.id === id));
    assert.equal(record.settings.ignore_identical_ids, false);
  });
});
