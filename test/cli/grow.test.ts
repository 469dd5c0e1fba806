/** From logged queries to an eval set that a gate asks, as users go about it. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/config.js';
import type { Runtime } from '../../src/runtime-types.js';
import { openRuntime } from '../../src/runtime.js';
import { openApp } from '../api/support.js';
import { jsonl, withFolder } from '../eval/support.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { runInProcess, sentencesOf } from './support.js';
import type { InProcess } from './support.js';

const WORDS = ['pump', 'valve', 'rotor', 'brake'];

interface Opened {
  readonly folder: string;
  readonly runtime: Runtime;
  readonly run: (...args: string[]) => Promise<InProcess>;
  /** Asks over HTTP. */
  readonly ask: (query: string, more?: object) => Promise<void>;
  /** What was logged is in the file. */
  readonly flushed: () => Promise<void>;
}

interface TemplateLine {
  readonly query: string;
  readonly document: string;
  readonly relevant: unknown;
  readonly asked: number;
  readonly text: string | null;
}

async function withLog(t: TestContext, work: (opened: Opened) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const log = join(folder, 'queries.jsonl');
    const embedder = createFakeEmbedder();
    const open = (): Promise<Runtime> =>
      openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:', PLUMBLINE_QUERY_LOG: log }), {
        openEmbedder: () => Promise.resolve(embedder),
      });
    const runtime = await open();
    t.after(() => runtime.close());
    await runtime.catalog.createCollection({ name: 'parts', embedder: 'fake' });
    await runtime.ingest('parts', sentencesOf(WORDS));
    const { fastify } = await openApp(t, runtime);
    let asked = 0;
    await work({
      folder,
      runtime,
      // Each command closes its runtime, which here is one for all.
      run: (...args) =>
        runInProcess(args, { runtime: { ...runtime, close: () => Promise.resolve() }, cwd: folder }),
      ask: async (query, more = {}) => {
        const url = '/v1/collections/parts/query';
        const response = await fastify.inject({ method: 'POST', url, payload: { query, top_k: 2, ...more } });
        assert.equal(response.statusCode, 200, response.body);
        asked += 1;
      },
      flushed: async () => {
        for (;;) {
          const text = await readFile(log, 'utf8').catch(() => '');
          if (text.split('\n').length > asked) return;
          await new Promise(setImmediate);
        }
      },
    });
  });
}

function parse(text: string): readonly TemplateLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TemplateLine);
}

describe('plumbline evalset grow', () => {
  test('offers what was asked, takes judgements, and what comes of it is measured', async (t) => {
    await withLog(t, async ({ folder, runtime, run, ask, flushed }) => {
      await ask('Where is the valve?');
      for (const query of ['Which is the pump?', 'which is  the PUMP', 'which is the pump?!'])
        await ask(query);
      await ask('nothing of the kind', { mode: 'keyword', filter: { $not: {} } });
      const shown = await run('query', 'parts', 'rotor', '-k', '1');
      assert.equal(shown.code, 0, shown.stderr);
      await flushed();
      // An evaluation asks too; that is not logged.
      await runtime.evalSets.put('parts', {
        name: 'own',
        questions: [
          { query: 'Where is the valve', expected: [{ document: 'valve' }], note: 'kept' },
          { query: 'brake', expected: [{ document: 'brake', passage: 'The brake turns' }] },
        ],
      });
      assert.equal((await run('eval', '--collection', 'parts')).code, 0);
      await appendFile(join(folder, 'queries.jsonl'), '{"torn');

      const offered = await run('evalset', 'grow', 'parts', '--log', 'queries.jsonl', '--out', 'open.jsonl');
      assert.equal(offered.code, 0, offered.stderr);
      assert.match(offered.stderr, /of the 4 questions that were asked/u);
      assert.match(offered.stderr, /^1 line is none of a query log/mu);
      const template = parse(await readFile(join(folder, 'open.jsonl'), 'utf8'));
      assert.deepEqual([template[0]?.query, template[0]?.asked], ['Which is the pump?', 3]);
      assert.ok(template.every(({ relevant }) => relevant === null));
      assert.ok(!template.some(({ query, document }) => query.includes('valve') && document === 'valve'));
      const pump = template.find(({ document, query }) => document === 'pump' && query.includes('pump'));
      assert.equal(pump?.text, 'The pump turns by day and by night.');
      // Nothing was found: somebody may know a document.
      assert.ok(template.some(({ query, document }) => query === 'nothing of the kind' && document === ''));

      const judged = template.map((line): object =>
        line.document === '' || line.query === 'rotor'
          ? line
          : { ...line, relevant: line.query.includes(line.document) ? 2 : false },
      );
      await writeFile(join(folder, 'judged.jsonl'), jsonl(judged));
      const grow = ['evalset', 'grow', 'parts', '--log', 'queries.jsonl', '--judgements', 'judged.jsonl'];
      const grown = await run(...grow);
      assert.equal(grown.code, 0, grown.stderr);
      assert.match(grown.stdout, /Eval set "own" of "parts" holds 3 questions: 1 new, 1 with more/u);
      const { questions } = await runtime.evalSets.get('parts', 'own');
      assert.equal(questions[0]?.['note'], 'kept');
      assert.match(JSON.stringify(questions[2]), /"id":"log-[0-9a-f]{12}"/u);
      const again = await run(...grow, '--json');
      assert.equal(again.code, 0, again.stderr);
      const summary = JSON.parse(again.stdout) as Readonly<Record<string, unknown>>;
      assert.deepEqual([summary['added'], summary['extended'], summary['conflicts']], [0, 0, []]);
      const measured = await run('eval', '--collection', 'parts', '--fail-under', 'recall@10=1');
      assert.equal(measured.code, 0, measured.stdout);

      const left = await run('evalset', 'grow', 'parts', '--log', 'queries.jsonl');
      assert.deepEqual(
        new Set(parse(left.stdout).map(({ query }) => query)),
        new Set(['rotor', 'nothing of the kind']),
      );
    });
  });

  test('a table with tabs serves as well; contradictions and unknown documents are left out by name', async (t) => {
    await withLog(t, async ({ folder, runtime, run, ask, flushed }) => {
      await ask('=pump');
      await flushed();
      const offered = await run('evalset', 'grow', 'parts', '--log', 'queries.jsonl', '--out', 'open.tsv');
      assert.equal(offered.code, 0, offered.stderr);
      const [head = '', ...rows] = (await readFile(join(folder, 'open.tsv'), 'utf8')).trimEnd().split('\n');
      assert.ok(rows.length > 0 && rows.every((row) => row.startsWith(' =pump\t')));
      assert.match(head, /^query\tdocument\trelevant\t/u);
      const table = [
        head,
        '=pump\tpump\tyes\t1',
        '=pump\tvalve\t0',
        '=pump\trotor\ttrue',
        '=PUMP\trotor\tfalse',
        '=pump\tghost\t1',
        'only wrong ones\tbrake\t0',
        'not judged\tbrake\t',
      ];
      await writeFile(join(folder, 'judged.tsv'), `${table.join('\n')}\n`);
      const grow = ['evalset', 'grow', 'parts', '--judgements', 'judged.tsv', '--name', 'fresh'];
      const grown = await run(...grow);
      assert.equal(grown.code, 1, grown.stderr);
      assert.match(grown.stderr, /^conflict: "=pump", document rotor: true; false$/mu);
      assert.match(grown.stderr, /^no such document: ghost$/mu);
      assert.match(grown.stderr, /nothing relevant to find: "only wrong ones"/u);
      assert.match(grown.stdout, /holds 1 question: 1 new.*1 not made yet/u);
      const [question] = (await runtime.evalSets.get('parts', 'fresh')).questions;
      assert.deepEqual(question?.['expected'], [
        { document: 'pump', grade: 1 },
        { document: 'valve', grade: 0 },
      ]);

      await writeFile(
        join(folder, 'later.jsonl'),
        jsonl([
          { query: '=pump', document: 'pump', relevant: 3 },
          { query: '=pump', document: 'valve', relevant: true },
          { query: '=pump', document: 'brake', relevant: 1 },
        ]),
      );
      const later = await run(...grow.with(4, 'later.jsonl'));
      assert.equal(later.code, 1, later.stderr);
      assert.match(later.stderr, /document pump: the set says 1; 3/u);
      assert.match(later.stderr, /document valve: the set says 0; true/u);
      const [after] = (await runtime.evalSets.get('parts', 'fresh')).questions;
      assert.equal((after?.['expected'] as unknown[]).length, 3);
    });
  });

  test('what is not as it should be is named', async (t) => {
    await withLog(t, async ({ folder, run, runtime }) => {
      const set = { questions: [{ query: 'x', expected: [{ document: 'pump' }] }] };
      const files = {
        'none.tsv': 'question\tdocument\trelevant\n',
        'bad.jsonl': jsonl([{ query: 'x', document: 'pump', relevent: true }]),
        'four.jsonl': jsonl([{ query: 'x', document: 'pump', relevant: 4 }]),
        'nameless.jsonl': jsonl([{ query: 'x', document: '', relevant: true }]),
        'other.jsonl': jsonl([{ level: 'info' }]),
        'empty.jsonl': '',
      };
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      const grow = (...args: string[]): Promise<InProcess> => run('evalset', 'grow', 'parts', ...args);
      for (const [args, problem] of [
        [[], /Name the query log/u],
        [['--log', 'gone.jsonl'], /gone\.jsonl: cannot be read \(ENOENT\)\. .*set PLUMBLINE_QUERY_LOG=FILE/u],
        [['--log', 'gone.jsonl'], /field: log$/mu],
        [['--log', folder], /cannot be read \(EISDIR\)/u],
        [['--log', 'other.jsonl'], /holds no line of a query log\. .*set PLUMBLINE_QUERY_LOG=FILE/u],
        [['--judgements', 'none.tsv'], /line 1: has to name the columns; there is no "query"/u],
        [['--judgements', 'bad.jsonl'], /line 1: relevant must be true, false, 0, 1, 2 or 3/u],
        [['--judgements', 'four.jsonl'], /line 1: relevant must be/u],
        [['--judgements', 'nameless.jsonl'], /line 1: document is empty/u],
      ] as const) {
        const { code, stderr } = await grow(...args);
        assert.equal(code, 2, stderr);
        assert.match(stderr, problem);
      }
      const nothing = await grow('--log', 'empty.jsonl');
      assert.deepEqual([nothing.code, nothing.stdout], [0, '']);
      assert.match(nothing.stderr, /^The log holds no question of "parts"\. .*set PLUMBLINE_QUERY_LOG=FILE/u);
      const line = (collection: string): object => ({ collection, query: 'x', hits: [] });
      await writeFile(
        join(folder, 'elsewhere.jsonl'),
        jsonl([line('a'), line('a'), line('b'), { level: 'info' }]),
      );
      const elsewhere = await grow('--log', 'elsewhere.jsonl');
      assert.deepEqual([elsewhere.code, elsewhere.stdout], [0, '']);
      assert.match(
        elsewhere.stderr,
        /^The log holds no question of "parts", but some of a \(2\), b \(1\)\. .*set PLUMBLINE_QUERY_LOG=FILE/u,
      );
      assert.match(elsewhere.stderr, /^1 line is none of a query log, and was passed over\.$/mu);
      for (const name of ['a', 'b']) await runtime.evalSets.put('parts', { name, ...set });
      const several = await grow('--log', 'empty.jsonl');
      assert.equal(several.code, 2);
      assert.match(several.stderr, /several eval sets; --name one of: a, b, or a new one/u);
    });
  });
});

test('questions are logged only where it is asked for', async () => {
  const embedder = createFakeEmbedder();
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: () => Promise.resolve(embedder),
  });
  assert.equal(runtime.queryLog, undefined);
  await runtime.close();
});
