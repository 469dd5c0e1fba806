import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCompare, runEval, type EvalCommandOptions } from '../../eval/cli.js';
import { compareRecords } from '../../eval/compare.js';
import { loadDataSet, type DataSet } from '../../eval/dataset.js';
import { meanMeasures, measureRun, METRICS } from '../../eval/measures.js';
import { readRecord, type EvalRecord } from '../../eval/record.js';
import { evaluate, type EvalProgress } from '../../eval/run.js';
import { readRun } from '../../eval/trec.js';
import { sweepFusion } from '../../eval/sweep/fusion.js';
import { COLLECTION_NAME } from '../../src/catalog/names.js';
import { RetrievalError, hasCode } from '../../src/errors.js';
import { DEFAULT_VECTOR_WEIGHT } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createWordRuntime, jsonl, SMALL, withFolder, writeFiles, type Files } from './support.js';

const OWN = { kind: 'own', settings: { embedder: 'words' } } as const;

async function withSmall<T>(
  work: (dataSet: DataSet, folder: string) => Promise<T>,
  files: Files = SMALL,
): Promise<T> {
  return withFolder(async (parent) => {
    const folder = join(parent, 'small');
    await writeFiles(folder, files);
    return work(await loadDataSet(folder, { split: 'test', corpus: true }), folder);
  });
}

function command(folder: string, lines: string[] = []): EvalCommandOptions {
  return {
    folder,
    split: 'test',
    embedder: 'words',
    output: (line) => lines.push(line),
    onWarning: (message) => lines.push(`warning: ${message}`),
  };
}

function ofQuery(record: EvalRecord, id: string): EvalRecord['per_query'][number] {
  const found = record.per_query.find((query) => query.id === id);
  assert.ok(found !== undefined, id);
  return found;
}

test('every judged query is asked and counts; what was not asked or found nothing counts 0', async () => {
  const runtime = createWordRuntime();
  const progress: EvalProgress[] = [];
  const { record } = await withSmall((dataSet) =>
    evaluate(runtime, dataSet, { target: OWN, onProgress: (step) => progress.push(step) }),
  );
  assert.deepEqual(
    record.per_query.map((query) => query.id),
    ['q1', 'q2', 'q3', 'q4', 'q5', 'q6'],
  );
  // "blue" finds Blue and Mixed in that order; nothing else is judged for it.
  assert.deepEqual(ofQuery(record, 'q2').metrics, {
    'ndcg@10': 1,
    'recall@10': 1,
    'recall@100': 1,
    'mrr@10': 1,
    map: 1,
  });
  assert.equal(ofQuery(record, 'q4').failed, 'invalid_request');
  assert.equal(ofQuery(record, 'q6').failed, 'not in queries.jsonl');
  for (const id of ['q4', 'q6']) {
    assert.equal(ofQuery(record, id).took_ms, null);
    assert.equal(ofQuery(record, id).metrics.map, 0);
  }
  const sum = record.per_query.reduce((total, query) => total + query.metrics.map, 0);
  assert.equal(record.metrics.map, sum / 6);
  assert.equal(record.data_set.queries, 6);
  // Twice: the warm-up, then the timed pass; q4 never reaches the service.
  assert.equal(runtime.asked.length, 8);
  assert.deepEqual(progress.at(-1), { stage: 'queries', done: 5, total: 5 });
  assert.deepEqual(record.latency_ms.legs, { p50: 2, p95: 2 });
  assert.equal(record.generation, 7);
  assert.equal(record.store, 'words');
  assert.match(record.version, /^\d+\.\d+\.\d+/u);
  assert.equal(record.settings.query['group_by_document'], 'best');
  // A default that changes later must not change what an old record says.
  assert.deepEqual(record.settings.query['fusion'], {
    method: 'tm2c2',
    vector_weight: DEFAULT_VECTOR_WEIGHT.tm2c2,
  });
  assert.equal(record.recall_curve.length, 100);
  assert.equal(record.recall_curve[9], record.metrics['recall@10']);
  assert.equal(record.recall_curve[99], record.metrics['recall@100']);
  const counted = [...record.scores.relevant, ...record.scores.other].reduce((a, b) => a + b, 0);
  assert.equal(
    counted,
    record.per_query.reduce((total, query) => total + query.retrieved, 0),
  );
});

test('a query that is a document of the corpus does not find itself, unless asked to', async () => {
  await withSmall(async (dataSet) => {
    const runtime = createWordRuntime();
    const without = await evaluate(runtime, dataSet, { target: OWN });
    assert.equal(
      without.run.get('q3')?.some(({ id }) => id === 'q3'),
      false,
    );
    const withSelf = await evaluate(runtime, dataSet, { target: OWN, ignoreIdenticalIds: false });
    assert.equal(withSelf.run.get('q3')?.[0]?.id, 'q3');
    assert.ok(
      ofQuery(without.record, 'q3').metrics['mrr@10'] > ofQuery(withSelf.record, 'q3').metrics['mrr@10'],
    );
    assert.throws(
      () => compareRecords(without.record, withSelf.record),
      /ignore_identical_ids was set differently/u,
    );
  });
});

test('the depth is filled although the own document takes a place, and a smaller corpus is not too short', async () => {
  for (const [size, retrieved] of [
    [130, 100],
    [60, 59],
  ] as const) {
    const documents = Array.from({ length: size }, (_, at) => ({ _id: `d${String(at)}`, text: 'same word' }));
    const { record } = await withSmall((dataSet) => evaluate(createWordRuntime(), dataSet, { target: OWN }), {
      'corpus.jsonl': jsonl(documents),
      'queries.jsonl': jsonl([{ _id: 'd5', text: 'same word' }]),
      'qrels/test.tsv': 'd5\td6\t1\n',
    });
    assert.equal(record.per_query[0]?.retrieved, retrieved);
    assert.equal(record.underfilled, 0);
  }
});

test('the collection is named by content and settings, and found again', async () => {
  const runtime = createWordRuntime();
  const first = await withSmall((dataSet) => evaluate(runtime, dataSet, { target: OWN }));
  assert.match(first.record.settings.collection, COLLECTION_NAME);
  assert.equal(first.record.ingest?.added, 9);

  const again = await withSmall((dataSet) => evaluate(runtime, dataSet, { target: OWN }));
  assert.equal(again.record.ingest?.added, 0);
  assert.equal(again.record.ingest.unchanged, 9);
  assert.equal(new Set(runtime.ingests).size, 1);

  // Another split of the same corpus shares it; a corpus that changed has another.
  const changed = await withSmall((dataSet) => evaluate(runtime, dataSet, { target: OWN }), {
    ...SMALL,
    'corpus.jsonl': String(SMALL['corpus.jsonl']).replace('a red triangle', 'a red thing'),
  });
  assert.equal(changed.record.ingest?.added, 9);

  const fresh = await withSmall((dataSet) => evaluate(runtime, dataSet, { target: { ...OWN, fresh: true } }));
  assert.equal(fresh.record.ingest?.added, 9);

  const other = await withSmall((dataSet) =>
    evaluate(runtime, dataSet, { target: { kind: 'own', settings: { embedder: 'words', metric: 'l2' } } }),
  );
  assert.notEqual(other.record.settings.collection, first.record.settings.collection);
});

test('a name of any letters gives a valid collection name', async () => {
  await withFolder(async (folder) => {
    for (const name of ['Ünïcode Sët', '---', 'x'.repeat(90), 'nf_corpus-2']) {
      const inner = join(folder, name);
      await writeFiles(inner, SMALL);
      const dataSet = await loadDataSet(inner, { split: 'test', corpus: true });
      const { record } = await evaluate(createWordRuntime(), dataSet, { target: OWN });
      assert.match(record.settings.collection, COLLECTION_NAME);
    }
  });
});

test('an existing collection is measured as it is, without a corpus', async () => {
  const runtime = createWordRuntime();
  await withSmall(async (dataSet, folder) => {
    const own = await evaluate(runtime, dataSet, { target: OWN });
    const ingests = runtime.ingests.length;
    const record = await runEval(runtime, { ...command(folder), collection: own.record.settings.collection });
    assert.equal(runtime.ingests.length, ingests);
    assert.equal(record.ingest, null);
    assert.equal(record.data_set.corpus_hash, null);
    assert.deepEqual(record.metrics, own.record.metrics);
    compareRecords(own.record, record);
  });
});

test('the files: a record that reads back, a run that measures the same, a page with every part', async () => {
  await withSmall(async (dataSet, folder) => {
    const lines: string[] = [];
    const [jsonPath, runPath, htmlPath] = [
      join(folder, 'a.json'),
      join(folder, 'a.trec'),
      join(folder, 'a.html'),
    ];
    const record = await runEval(createWordRuntime(), {
      ...command(folder, lines),
      jsonPath,
      runPath,
      htmlPath,
    });
    assert.deepEqual(await readRecord(jsonPath), JSON.parse(JSON.stringify(record)));
    const fromFile = meanMeasures([
      ...measureRun(await readRun({ path: runPath, label: 'a.trec' }), dataSet.qrels).values(),
    ]);
    assert.deepEqual(fromFile, record.metrics);
    assert.match(lines.join('\n'), new RegExp(`ndcg@10 +${record.metrics['ndcg@10'].toFixed(4)}`, 'u'));
    assert.match(lines.join('\n'), /warning: queries refused as invalid .*: 1$/mu);
    const json = await readFile(jsonPath, 'utf8');
    for (const secret of ['red circle', 'blue circle', 'nothing of this kind'])
      assert.ok(!json.includes(secret));
    assert.ok((await readFile(htmlPath, 'utf8')).startsWith('<!doctype html>'));
  });
});

test('a file that cannot be written is found out before anything is ingested', async () => {
  await withSmall(async (_dataSet, folder) => {
    const runtime = createWordRuntime();
    for (const jsonPath of [join(folder, 'no', 'such.json'), folder]) {
      await assert.rejects(runEval(runtime, { ...command(folder), jsonPath }), (error) =>
        hasCode(error, 'invalid_request'),
      );
    }
    assert.equal(runtime.ingests.length, 0);
  });
});

test('settings that no query can have are refused; errors of the service end the run', async () => {
  await withSmall(async (dataSet) => {
    await assert.rejects(
      evaluate(createWordRuntime(), dataSet, { target: OWN, query: { candidates: 5000 } }),
      (error) => hasCode(error, 'invalid_request') && error.field === 'candidates',
    );
    await assert.rejects(
      evaluate(createWordRuntime(), dataSet, {
        target: OWN,
        query: { fusion: { method: 'rrf', vector_weight: 0.5 } },
      }),
      (error) => hasCode(error, 'invalid_request') && error.field === 'fusion.vector_weight',
    );
    const broken: Runtime = {
      ...createWordRuntime(),
      retrieve: () => Promise.reject(new RetrievalError('store_unavailable', 'It is gone')),
    };
    await assert.rejects(evaluate(broken, dataSet, { target: OWN }), (error) =>
      hasCode(error, 'store_unavailable'),
    );
  });
});

test('aborting between two queries rejects with cancelled', async () => {
  await withSmall(async (dataSet) => {
    const stop = new AbortController();
    const onProgress = (step: EvalProgress): void => {
      if (step.stage === 'queries' && step.done === 2) stop.abort();
    };
    const runtime = createWordRuntime();
    await assert.rejects(
      evaluate(runtime, dataSet, { target: OWN, signal: stop.signal, onProgress }),
      (error) => hasCode(error, 'cancelled'),
    );
    assert.equal(runtime.asked.length, 4 + 2);
  });
});

test('a generation switched while measuring ends the run', async () => {
  const words = createWordRuntime();
  const switched: Runtime = {
    ...words,
    retrieve: async (...call) => ({ ...(await words.retrieve(...call)), generation: 8 }),
  };
  await withSmall(async (dataSet) => {
    await assert.rejects(evaluate(switched, dataSet, { target: OWN }), /switched from generation 7 to 8/u);
  });
});

test('compare: differences, wins and losses, p, settings, and the queries behind them', async () => {
  await withSmall(async (_dataSet, folder) => {
    const [a, b, jsonPath] = [join(folder, 'a.json'), join(folder, 'b.json'), join(folder, 'c.json')];
    await runEval(createWordRuntime({ blunt: true }), { ...command(folder), mode: 'keyword', jsonPath: a });
    await runEval(createWordRuntime(), { ...command(folder), jsonPath: b });
    const lines: string[] = [];
    const comparison = await runCompare({ a, b, jsonPath, output: (line) => lines.push(line) });
    for (const metric of METRICS) {
      const row = comparison.metrics[metric];
      assert.ok(Math.abs(row.b - row.a - row.difference) < 1e-12);
      assert.equal(row.wins + row.losses + row.ties, 6);
      assert.ok(row.p > 0 && row.p <= 1);
      assert.ok(row.interval[0] <= row.difference && row.difference <= row.interval[1]);
    }
    assert.ok(comparison.metrics['ndcg@10'].wins > 0);
    assert.equal(comparison.gains.length, comparison.metrics['ndcg@10'].wins);
    assert.deepEqual(
      comparison.settings.map(({ name, a: left, b: right }) => [name, left, right]),
      [
        ['mode', '"keyword"', '"hybrid"'],
        ['query.mode', '"keyword"', '"hybrid"'],
      ],
    );
    assert.match(lines.join('\n'), /queries gained, nDCG@10/u);
    assert.deepEqual(JSON.parse(await readFile(jsonPath, 'utf8')), JSON.parse(JSON.stringify(comparison)));
  });
});

test('a record compared with itself has no difference and p = 1', async () => {
  const { record } = await withSmall((dataSet) => evaluate(createWordRuntime(), dataSet, { target: OWN }));
  const comparison = compareRecords(record, record);
  for (const metric of METRICS) {
    const { difference, p, ties, interval } = comparison.metrics[metric];
    assert.deepEqual({ difference, p, ties, interval }, { difference: 0, p: 1, ties: 6, interval: [0, 0] });
  }
  assert.deepEqual([comparison.gains, comparison.losses, comparison.settings], [[], [], []]);
});

test('the largest gain and the largest loss come first', async () => {
  const { record } = await withSmall((dataSet) => evaluate(createWordRuntime(), dataSet, { target: OWN }));
  const scored = (ndcg: readonly number[]): EvalRecord => ({
    ...record,
    per_query: record.per_query.map((query, at) => ({
      ...query,
      metrics: { ...query.metrics, 'ndcg@10': ndcg[at] ?? 0 },
    })),
  });
  const comparison = compareRecords(
    scored([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
    scored([0.6, 0.9, 0.5, 0.1, 0.4, 0.7]),
  );
  assert.deepEqual(
    comparison.gains.map((change) => change.id),
    ['q2', 'q6', 'q1'],
  );
  assert.deepEqual(
    comparison.losses.map((change) => change.id),
    ['q4', 'q5'],
  );
  const { wins, losses, ties, p } = comparison.metrics['ndcg@10'];
  assert.deepEqual({ wins, losses, ties }, { wins: 3, losses: 2, ties: 1 });
  // 0.1 + 0.4 − 0.4 − 0.1 + 0.2 = 0.2; of the 32 sign patterns, 28 have a sum of 0.2 or more, either way.
  assert.equal(p, 28 / 32);
});

test('records of other data, another split, other rules, or no records at all are refused', async () => {
  const { record } = await withSmall((dataSet) => evaluate(createWordRuntime(), dataSet, { target: OWN }));
  const { record: other } = await withSmall(
    (dataSet) => evaluate(createWordRuntime(), dataSet, { target: OWN }),
    {
      ...SMALL,
      'corpus.jsonl': String(SMALL['corpus.jsonl']).replace('a red triangle', 'a red thing'),
    },
  );
  const refusals: readonly (readonly [EvalRecord, RegExp])[] = [
    [
      { ...record, data_set: { ...record.data_set, split: 'dev' } },
      /one is of split "test", the other of "dev"/u,
    ],
    [{ ...record, data_set: { ...record.data_set, hash: 'other' } }, /their hashes differ/u],
    [other, /their corpora are not the same/u],
    [{ ...record, per_query: record.per_query.slice(1) }, /they list different queries/u],
    [{ ...record, settings: { ...record.settings, depth: 10 } }, /depth was set differently/u],
  ];
  for (const [against, message] of refusals) {
    assert.throws(
      () => compareRecords(record, against),
      (error) => hasCode(error, 'invalid_request') && message.test(error.message),
      String(message),
    );
  }
  await withFolder(async (folder) => {
    const path = join(folder, 'x.json');
    for (const content of ['{', '{}', JSON.stringify({ ...record, format: 2 })]) {
      await writeFile(path, content);
      await assert.rejects(
        readRecord(path),
        (error) => hasCode(error, 'invalid_request') && error.field === path,
      );
    }
    await assert.rejects(readRecord(join(folder, 'none.json')), (error) => hasCode(error, 'invalid_request'));
  });
});

test('the sweep measures every variant over one ingest', async () => {
  const runtime = createWordRuntime();
  const rows = await withSmall((dataSet) => sweepFusion(runtime, dataSet, OWN));
  assert.equal(runtime.ingests.length, 1);
  assert.deepEqual(
    rows.slice(0, 5).map((row) => row.name),
    ['keyword', 'vector', 'rrf', 'tm2c2 0.50', 'tm2c2 0.55'],
  );
  assert.equal(rows.at(-1)?.name, 'min_max 1.00');
});
