import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadDataSet, type DataSet } from '../../eval/dataset.js';
import { hasCode } from '../../src/errors.js';
import type { RawDocument } from '../../src/model.js';
import { jsonl, SMALL, withFolder, writeFiles, type Files } from './support.js';

function load(files: Files, split = 'test'): Promise<DataSet> {
  return withFolder(async (folder) => {
    await writeFiles(folder, files);
    return loadDataSet(folder, { split, corpus: true });
  });
}

async function rejects(files: Files, message: RegExp, line?: number, split = 'test'): Promise<void> {
  await assert.rejects(load(files, split), (error) => {
    assert.ok(hasCode(error, 'invalid_data_set'), String(error));
    assert.match(error.message, message);
    if (line !== undefined) assert.equal(error.details['line'], line);
    return true;
  });
}

test('a BEIR folder loads: judged queries only, ids as strings, oddities counted', async () => {
  const dataSet = await load(SMALL);
  assert.deepEqual([...dataSet.queries.keys()], ['q1', 'q2', 'q3', 'q4', 'q5']);
  assert.equal(dataSet.qrels.get('q1')?.get('far'), -1);
  assert.equal(dataSet.qrels.get('q5')?.get('12'), 1);
  assert.equal(dataSet.judgements, 10);
  assert.equal(dataSet.corpus?.documents, 9);
  assert.ok(dataSet.corpus.has('red 2') && dataSet.corpus.has('12'));
  assert.deepEqual(dataSet.warnings, [
    '1 of 7 expected documents is not in the corpus: gone',
    'judged queries that are not in queries.jsonl and count as 0: 1',
    'documents with neither title nor text, which are left out: 1',
  ]);
});

test('the source streams every document that has words, and a bare title as its text', async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const { corpus } = await loadDataSet(folder, { split: 'test', corpus: true });
    assert.ok(corpus !== null);
    const documents: RawDocument[] = [];
    for await (const item of corpus.source().items()) {
      assert.ok(item.kind === 'document');
      documents.push(item.document);
    }
    assert.equal(documents.length, corpus.source().total);
    const byId = new Map(documents.map((document) => [document.id, document]));
    assert.equal(byId.has('empty'), false);
    assert.deepEqual(byId.get('green'), {
      id: 'green',
      format: 'text',
      content: 'green square',
      metadata: {},
    });
    assert.equal(byId.get('red/1')?.title, 'Red');
    assert.equal(byId.get('12')?.content, 'square number twelve');
  });
});

test('packing does not matter to the hashes; content does', async () => {
  const { 'corpus.jsonl': corpus = '', 'queries.jsonl': queries = '', ...rest } = SMALL;
  const plain = await load(SMALL);
  const packed = await load({
    ...rest,
    'corpus.jsonl.gz': gzipSync(corpus),
    'queries.jsonl.gz': gzipSync(`\ufeff${String(queries).replaceAll('\n', '\r\n')}\r\n\r\n`),
  });
  assert.equal(packed.hash, plain.hash);
  assert.equal(packed.corpus?.hash, plain.corpus?.hash);
  const other = await load({
    ...SMALL,
    'corpus.jsonl': String(corpus).replace('blue circle', 'blue circles'),
  });
  assert.notEqual(other.corpus?.hash, plain.corpus?.hash);
  assert.equal(other.hash, plain.hash);
  const judged = await load({
    ...SMALL,
    'qrels/test.tsv': String(SMALL['qrels/test.tsv']).replace('red/1\t2', 'red/1\t1'),
  });
  assert.notEqual(judged.hash, plain.hash);
});

test('line separators of Unicode inside a JSON string do not end the line', async () => {
  const text = 'one\u2028two\u2029three\u0085four';
  const dataSet = await load({ ...SMALL, 'corpus.jsonl': `${JSON.stringify({ _id: 'blue', text })}\n` });
  assert.equal(dataSet.corpus?.documents, 1);
});

test('judgements: no header, four columns, spaces, and tabs around ids with spaces', async () => {
  const shapes: readonly (readonly [string, string])[] = [
    ['q1\tred 2\t1\n', 'red 2'],
    ['q1 0 blue 1\n', 'blue'],
    ['q1\tQ0\tred 2\t+1\n', 'red 2'],
    ['q1  blue   1', 'blue'],
    ['query-id corpus-id score\nq1 blue 1\n', 'blue'],
  ];
  for (const [qrels, document] of shapes) {
    const dataSet = await load({ ...SMALL, 'qrels/test.tsv': qrels });
    assert.deepEqual([...(dataSet.qrels.get('q1') ?? [])], [[document, 1]], qrels);
  }
});

test('contradicting judgements: the last counts, with a warning', async () => {
  const dataSet = await load({ ...SMALL, 'qrels/test.tsv': 'q1 blue 1\nq1 blue 0\nq1 far 1\nq1 far 1\n' });
  assert.equal(dataSet.qrels.get('q1')?.get('blue'), 0);
  assert.equal(dataSet.judgements, 2);
  assert.match(dataSet.warnings.join(), /judgements that contradict .*: 1$/u);
});

test('a query without a relevant document is told of', async () => {
  const dataSet = await load({ ...SMALL, 'qrels/test.tsv': 'q1 blue 0\nq2 blue 1\n' });
  assert.match(dataSet.warnings.join(), /queries without a relevant document.*: 1$/u);
});

test('a folder that is none is told from one without judgements', async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    for (const [path, problem] of [
      [join(folder, 'gone'), /^There is no folder .*gone; a data set is a folder of corpus\.jsonl/u],
      [join(folder, 'corpus.jsonl'), /corpus\.jsonl is a file; a data set is a folder of corpus\.jsonl/u],
    ] as const) {
      await assert.rejects(loadDataSet(path, { split: 'test', corpus: true }), (error) => {
        assert.ok(hasCode(error, 'invalid_data_set'), String(error));
        assert.equal(error.field, 'folder');
        assert.match(error.message, problem);
        return true;
      });
    }
  });
});

test('judgements of nothing that the corpus has cannot be measured', async () => {
  const qrels = { 'qrels/test.tsv': 'q1 ghost 1\nq2 gone 2\nq2 blue 0\n' };
  await rejects(
    { ...SMALL, ...qrels },
    /every measure would be 0: 2 of 2 expected documents are not in the c/u,
  );
  await rejects({ ...SMALL, 'qrels/test.tsv': 'q1 blue 0\n' }, /no question expects a document/u);
});

test('errors name the file, the line and what is wrong, and never the text', async () => {
  const corpus = (line: string): Files => ({
    ...SMALL,
    'corpus.jsonl': `{"_id":"a","text":"x"}\n\n${line}\n`,
  });
  await rejects(corpus('{"_id": "secret'), /^corpus\.jsonl, line 3: is not JSON$/u, 3);
  await rejects(corpus('[1]'), /corpus\.jsonl, line 3: must be a JSON object/u, 3);
  await rejects(corpus('{"text":"x"}'), /line 3: _id must be a string/u, 3);
  await rejects(corpus('{"_id":" ","text":"x"}'), /line 3: _id is empty/u, 3);
  await rejects(corpus('{"_id":"\\ud800","text":"x"}'), /line 3: _id is empty, or holds NUL or half/u, 3);
  await rejects(corpus('{"_id":"b","text":7}'), /line 3: text must be a string/u, 3);
  await rejects(corpus('{"_id":"a","text":"y"}'), /line 3: the _id has come before/u, 3);
  const queries = (line: string): Files => ({
    ...SMALL,
    'queries.jsonl': `{"_id":"q1","text":"x"}\n${line}\n`,
  });
  await rejects(queries('{"_id":"q2"}'), /^queries\.jsonl, line 2: text must be a string/u, 2);
  await rejects(queries('{"_id":"q1","text":"y"}'), /^queries\.jsonl, line 2: the _id has come before/u, 2);
  const qrels = (text: string): Files => ({ ...SMALL, 'qrels/test.tsv': text });
  await rejects(
    qrels('query-id\tcorpus-id\tscore\nq1\tblue\n'),
    /^qrels\/test\.tsv, line 2: does not have three/u,
    2,
  );
  await rejects(qrels('q1\tblue\t1\nq1\tfar\tmaybe\n'), /^qrels\/test\.tsv, line 2: the relevance/u, 2);
  await rejects(qrels('q1\tblue\t0.5\n'), /line 1: the relevance is not a whole number/u, 1);
  await rejects(qrels('q1\t\t1\n'), /line 1: an id is empty/u, 1);
  await rejects(qrels('query-id\tcorpus-id\tscore\n'), /holds no judgement/u);
  await rejects(qrels('other\tblue\t1\n'), /holds no query that the judgements name/u);
  await rejects({ ...SMALL, 'corpus.jsonl': '\n' }, /^corpus\.jsonl: holds no document/u);
});

test('bytes that are not UTF-8, and a gzip that ends early, are told from bad JSON', async () => {
  const bytes = Buffer.concat([
    Buffer.from('{"_id":"a","text":"x"}\n'),
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
  ]);
  await rejects({ ...SMALL, 'corpus.jsonl': bytes }, /^corpus\.jsonl, line 2: is not UTF-8$/u, 2);
  const { 'corpus.jsonl': corpus = '', ...rest } = SMALL;
  const cut = gzipSync(corpus).subarray(0, -12);
  await rejects({ ...rest, 'corpus.jsonl.gz': cut }, /^corpus\.jsonl\.gz: cannot be read \(/u);
  await rejects({ ...rest, 'corpus.jsonl.gz': corpus }, /^corpus\.jsonl\.gz: cannot be read \(/u);
});

test('a missing split lists those there are; a missing file says what a data set is', async () => {
  await rejects(
    { ...SMALL, 'qrels/dev.tsv': 'q1 blue 1\n' },
    /There is no qrels\/train\.tsv\. Splits present: dev, test/u,
    undefined,
    'train',
  );
  await rejects(SMALL, /There is no qrels\/\.\.\/queries\.tsv/u, undefined, '../queries');
  const { 'corpus.jsonl': _corpus, ...rest } = SMALL;
  await rejects(rest, /neither corpus\.jsonl nor corpus\.jsonl\.gz/u);
  await assert.rejects(loadDataSet(join('no', 'such'), { split: 'test', corpus: true }), (error) =>
    hasCode(error, 'invalid_data_set'),
  );
});

test('without its corpus a data set still loads, for an existing collection', async () => {
  await withFolder(async (folder) => {
    const { 'corpus.jsonl': _corpus, ...rest } = SMALL;
    await writeFiles(folder, rest);
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: false });
    assert.equal(dataSet.corpus, null);
    assert.equal(dataSet.queries.size, 5);
  });
});

test('aborting rejects with cancelled', async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, { ...SMALL, 'corpus.jsonl': jsonl([{ _id: 'a', text: 'x' }]) });
    await assert.rejects(
      loadDataSet(folder, { split: 'test', corpus: true, signal: AbortSignal.abort() }),
      (error) => hasCode(error, 'cancelled'),
    );
  });
});
