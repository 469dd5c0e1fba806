/** `plumbline eval` as users call it: sweeps, questions of one's own, thresholds and reports. */
import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { readRecord } from '../../eval/record.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { jsonl, withFolder, writeFiles, type Files } from '../eval/support.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { runInProcess, runProcess, type InProcess } from './support.js';

const TOPICS = ['pump', 'valve', 'motor', 'sensor', 'gasket', 'rotor', 'brake', 'cable'];

/** Eight documents of one topic each; four questions to tune on and four to report on. */
function tinySet(): Files {
  const text = (topic: string): string =>
    Array.from(
      { length: 14 },
      (_, at) => `Line ${String(at)} says that the ${topic} is part of the machine.`,
    ).join(' ');
  const qrels = (topics: readonly string[]): string =>
    ['query-id\tcorpus-id\tscore', ...topics.map((topic) => `q-${topic}\td-${topic}\t1`), ''].join('\n');
  return {
    'corpus.jsonl': jsonl(
      TOPICS.map((topic) => ({ _id: `d-${topic}`, title: `The ${topic}`, text: text(topic) })),
    ),
    'queries.jsonl': jsonl(
      TOPICS.map((topic) => ({ _id: `q-${topic}`, text: `which part is the ${topic}?` })),
    ),
    'qrels/train.tsv': qrels(TOPICS.slice(0, 4)),
    'qrels/test.tsv': qrels(TOPICS.slice(4)),
  };
}

async function openFake(): Promise<Runtime> {
  const embedder = createFakeEmbedder();
  return openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
}

async function withSet(
  work: (folder: string, run: (...args: string[]) => Promise<InProcess>) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeFiles(folder, tinySet());
    await work(folder, async (...args) =>
      runInProcess(['eval', ...args], { runtime: await openFake(), cwd: folder }),
    );
  });
}

describe('plumbline eval', () => {
  it('sweeps, tunes on one split and reports on the other, and keeps every run', async () => {
    await withSet(async (folder, run) => {
      const { code, stdout, stderr } = await run(
        '.',
        '--embedder',
        'fake',
        '--sweep',
        'chunker=structure,fixed:32/8,semantic:32,hierarchical:24/96',
        '--sweep',
        'fusion=rrf,tm2c2',
        '--tune-on',
        'train',
        '--report-on',
        'test',
        '--runs',
        'runs',
        '--json',
        'sweep.json',
        '--html',
        'sweep.html',
        '--junit',
        'junit.xml',
        '--fail-under',
        'recall@10=0.5',
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^8 · train · chunker=hierarchical:24\/96 fusion=tm2c2: ndcg@10 /mu);
      assert.match(stdout, /^9 · test · chunker=/mu);
      assert.match(stdout, /has the highest ndcg@10|won by ndcg@10/u);
      assert.match(stdout, /^test, which it was not chosen by · 4 questions · chunker=/mu);
      assert.match(stdout, /^reached: recall@10 is /mu);
      assert.doesNotMatch(stdout, /flatter/u);

      const kept = await Promise.all(
        (await readdir(join(folder, 'runs'))).map((name) => readRecord(join(folder, 'runs', name))),
      );
      assert.equal(kept.length, 9);
      // One collection a chunker, whatever else is swept.
      assert.equal(new Set(kept.map((record) => record.settings.collection)).size, 4);
      assert.equal(kept.filter((record) => record.data_set.split === 'test').length, 1);
      const sweep = JSON.parse(await readFile(join(folder, 'sweep.json'), 'utf8')) as {
        readonly winner: string;
        readonly runs: readonly { readonly name: string; readonly lead_of_winner: object | null }[];
        readonly reported: { readonly name: string };
      };
      assert.equal(sweep.runs.length, 8);
      assert.equal(sweep.reported.name, sweep.winner);
      assert.equal(sweep.runs.filter((each) => each.lead_of_winner === null).length, 1);
      const json = await readFile(join(folder, 'sweep.json'), 'utf8');
      assert.ok(!json.includes('which part'), 'questions are kept only where --texts asks for them');
      assert.ok((await readFile(join(folder, 'sweep.html'), 'utf8')).includes('which part is the pump?'));
      assert.match(await readFile(join(folder, 'junit.xml'), 'utf8'), /tests="5" failures="0"/u);
    });
  });

  it('fails below a threshold, with an exit code of its own', async () => {
    await withSet(async (_folder, run) => {
      const { code, stdout } = await run(
        '.',
        '--embedder',
        'fake',
        '--fail-under',
        'map=0',
        '--fail-under',
        'recall@10=1',
        '--ef-search',
        '5',
        '--mode',
        'vector',
      );
      const met = /recall@10 +1\.0000/u.test(stdout);
      assert.equal(code, met ? 0 : 4);
    });
  });

  it('asks questions of an existing collection, by document and by passage', async () => {
    await withSet(async (folder, run) => {
      const runtime = await openFake();
      await runtime.catalog.createCollection({ name: 'mine', embedder: 'fake' });
      await runtime.ingest('mine', {
        total: 1,
        async *items() {
          const content =
            'Leave is thirty days a year.\n\nParents have sixteen weeks of leave when a child is born.';
          yield {
            kind: 'document',
            document: { id: 'leave', format: 'text', content, title: 'Leave', metadata: {} },
          };
        },
      });
      await writeFile(
        join(folder, 'questions.jsonl'),
        jsonl([
          { query: 'how many days of leave', expected: [{ document: 'leave' }] },
          {
            query: 'leave of parents',
            expected: [{ document: 'leave', passage: 'Parents have sixteen weeks' }],
          },
          {
            query: 'leave of parents',
            expected: [{ document: 'leave', passage: 'Nothing of the kind is said' }],
          },
        ]),
      );
      const args = [
        'eval',
        '--questions',
        'questions.jsonl',
        '--collection',
        'mine',
        '--texts',
        '--json',
        'mine.json',
        '--fail-under',
        'recall@10=0.9',
      ];
      const { code, stdout, stderr } = await runInProcess(args, { runtime, cwd: folder });
      assert.equal(code, 4, stderr);
      assert.match(stdout, /^questions questions · 3 queries · hybrid/mu);
      assert.match(stdout, /^below: recall@10 is 0\.6667, wanted is 0\.9$/mu);
      const record = await readRecord(join(folder, 'mine.json'));
      assert.deepEqual(
        record.per_query.map((query) => query.metrics['recall@10']),
        [1, 1, 0],
      );
      assert.equal(record.per_query[1]?.text, 'leave of parents');

      const report = await run('report', 'mine.json', '--html', 'mine.html');
      assert.equal(report.code, 0, report.stderr);
      const html = await readFile(join(folder, 'mine.html'), 'utf8');
      assert.ok(html.includes('leave of parents') && html.includes('<b>relevant</b>'));
    });
  });

  for (const [name, args, problem] of [
    ['nothing to ask', [], /name the folder of a data set, or the --collection/u],
    ['questions without a collection', ['--questions', 'q.jsonl'], /--questions needs the --collection/u],
    ['an eval set without a collection', ['--eval-set', 's'], /--eval-set needs the --collection/u],
    ['a generation without a collection', ['.', '--generation', '2'], /--generation is one of/u],
    ['two kinds', ['.', '--questions', 'q.jsonl', '--collection', 'c'], /name one of a folder/u],
    [
      'splits of an eval set',
      ['--collection', 'c', '--sweep', 'ef_search=1', '--tune-on', 'train', '--report-on', 'test'],
      /have no splits/u,
    ],
    [
      'a split to tune on without a sweep',
      ['.', '--tune-on', 'train', '--report-on', 'test'],
      /are for a --sweep/u,
    ],
    ['one of the two splits', ['.', '--sweep', 'ef_search=1', '--tune-on', 'train'], /go together/u],
    [
      'the same split twice',
      ['.', '--sweep', 'ef_search=1', '--tune-on', 'test', '--report-on', 'test'],
      /another split/u,
    ],
    [
      'a chunker of a collection that exists',
      ['.', '--collection', 'c', '--sweep', 'chunker=fixed'],
      /has its chunker and embedder/u,
    ],
    ['an unknown dimension', ['.', '--sweep', 'top_p=1'], /NAME one of/u],
    ['a threshold of no measure', ['.', '--fail-under', 'ndcg=0.5'], /A threshold is MEASURE=VALUE/u],
    ['a JUnit file in no folder', ['.', '--junit', 'none/of/these.xml'], /cannot be written/u],
    ['a report without a page', ['report', 'a.json'], /--html FILE/u],
  ] as const) {
    it(`refuses ${name}: exit 2`, async () => {
      await withSet(async (_folder, run) => {
        const { code, stderr } = await run(...args);
        assert.equal(code, 2, stderr);
        assert.match(stderr, problem);
      });
    });
  }
});

test(
  'as a process, with the local model: a sweep from a folder to a page',
  { timeout: 300_000 },
  async () => {
    await withFolder(async (folder) => {
      await writeFiles(folder, tinySet());
      const { code, stdout, stderr } = await runProcess(
        [
          'eval',
          '.',
          '--sweep',
          'chunker=structure,fixed:64/16',
          '--sweep',
          'mode=vector,hybrid',
          '--html',
          'page.html',
          '--fail-under',
          'recall@100=1',
        ],
        { cwd: folder, env: { PLUMBLINE_STORE_URL: 'memory:' } },
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^4 · test · chunker=fixed:64\/16 mode=hybrid: ndcg@10 /mu);
      assert.match(stdout, /flatter the best one/u);
      assert.ok((await readFile(join(folder, 'page.html'), 'utf8')).startsWith('<!doctype html>'));
    });
  },
);
