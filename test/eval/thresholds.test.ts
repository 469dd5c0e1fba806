/** Thresholds of a build, and the JUnit file that shows them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadDataSet } from '../../eval/dataset.js';
import { escapeXml, renderJUnit } from '../../eval/junit.js';
import type { EvalRecord } from '../../eval/record.js';
import { evaluate } from '../../eval/run.js';
import { checkThresholds, parseThreshold } from '../../eval/thresholds.js';
import { createWordRuntime, SMALL, withFolder, writeFiles } from './support.js';

async function measured(): Promise<EvalRecord> {
  return withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
    const target = { kind: 'own', settings: { embedder: 'words' } } as const;
    return (await evaluate(createWordRuntime(), dataSet, { target })).record;
  });
}

describe('a threshold', () => {
  test('is a measure and the least it may be', () => {
    assert.deepEqual(parseThreshold('ndcg@10=0.7'), { metric: 'ndcg@10', least: 0.7 });
    assert.deepEqual(parseThreshold('recall@100=1'), { metric: 'recall@100', least: 1 });
    assert.deepEqual(parseThreshold('map=.5'), { metric: 'map', least: 0.5 });
    assert.deepEqual(parseThreshold('mrr@10=0'), { metric: 'mrr@10', least: 0 });
  });

  for (const text of [
    'ndcg=0.7',
    'ndcg@10',
    '=0.7',
    'ndcg@10=',
    'ndcg@10=1.1',
    'ndcg@10=-1',
    'map=x',
    'map=1e-1',
    'map= 0.5',
    '',
  ]) {
    test(`is not "${text}"`, () => {
      assert.throws(() => parseThreshold(text), { code: 'invalid_request', field: 'fail-under' });
    });
  }

  test('is met by a value that equals it, and by no less', async () => {
    const record = await measured();
    const value = record.metrics.map;
    assert.ok(value > 0 && value < 1);
    const [equal, above] = checkThresholds(record, [
      { metric: 'map', least: value },
      { metric: 'map', least: value + 1e-9 },
    ]);
    assert.deepEqual([equal?.isMet, equal?.value], [true, value]);
    assert.equal(above?.isMet, false);
  });
});

describe('the JUnit file', () => {
  test('fails the thresholds that are not met, and counts what it holds', async () => {
    const record = await measured();
    const outcomes = checkThresholds(record, [
      { metric: 'map', least: 0 },
      { metric: 'ndcg@10', least: 1 },
    ]);
    const xml = renderJUnit(record, outcomes);
    const questions = record.per_query.length;
    assert.match(
      xml,
      new RegExp(`<testsuites name="plumbline eval" tests="${String(questions + 2)}" failures="1"`, 'u'),
    );
    assert.equal(xml.match(/<testcase /gu)?.length, questions + 2);
    assert.equal(xml.match(/<failure /gu)?.length, 1);
    assert.match(xml, /message="ndcg@10 is 0\.\d{4}, below 1"/u);
    assert.equal((xml.match(/<testsuite /gu) ?? []).length, (xml.match(/<\/testsuite>/gu) ?? []).length);
  });

  test('takes hostile ids for text, and leaves nothing that XML cannot hold', async () => {
    const record = await measured();
    const hostile = `"/><script>&\u0000\u001b\ud800\ufffe'\n]]>`;
    const xml = renderJUnit(
      {
        ...record,
        data_set: { ...record.data_set, name: hostile },
        per_query: record.per_query.map((query) => ({ ...query, id: hostile, failed: hostile })),
      },
      [],
    );
    assert.ok(!xml.includes('<script>'));
    assert.ok(xml.isWellFormed());
    assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u);
    assert.equal(escapeXml(`a<b>&"'`), 'a&#60;b&#62;&#38;&#34;&#39;');
  });
});
