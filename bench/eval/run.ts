/**
 * Measures `plumbline eval` of a data set on a built index against asking the same queries in a
 * plain loop.
 *
 *     node dist/bench/eval/run.js BEIR_FOLDER [--store URL] [--split NAME] [--rounds N] [--out FOLDER]
 *
 * The evaluation is all that the command does once its model is loaded: it reads the questions and
 * the judgements, asks its untimed queries for warming up and every judged one, measures, and makes
 * the record and the table. The loop embeds and searches with the same settings and does nothing
 * with the answers. The two take turns in one process, after a round that is not timed. The
 * collection is made where it is missing, and removed with a store of the benchmark's own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runEval } from '../../eval/cli.js';
import { loadDataSet } from '../../eval/dataset.js';
import type { EvalRecord } from '../../eval/record.js';
import { loadConfig } from '../../src/config.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { quantile } from '../support/stats.js';
import { takeTurns } from '../support/turns.js';

const EMBEDDER = 'minilm-l6';
const COLLECTION = 'bench-eval';
const WANTED = 1.1;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string' },
    split: { type: 'string', default: 'test' },
    rounds: { type: 'string', default: '5' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const [given] = positionals;
if (given === undefined) throw new Error('Name a data set folder in BEIR form');
const folder = resolve(given);

const scratch = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
const runtime = await openRuntime(
  loadConfig({ ...process.env, PLUMBLINE_STORE_URL: values.store ?? `pglite:${join(scratch, 'data')}` }),
);
try {
  const { corpus, queries } = await loadDataSet(folder, { split: values.split, corpus: true });
  if (corpus === null) throw new Error('The data set has no corpus');
  const exists = (await runtime.catalog.listCollections()).some(({ name }) => name === COLLECTION);
  if (!exists) {
    await runtime.catalog.createCollection({ name: COLLECTION, embedder: EMBEDDER, fields: {} });
  }
  await runtime.ingest(COLLECTION, corpus.source(), { prune: true });

  const evaluateAll = (): Promise<EvalRecord> =>
    runEval(runtime, {
      folder,
      split: values.split,
      embedder: EMBEDDER,
      collection: COLLECTION,
      output: () => undefined,
    });
  // Untimed, and it says with what each query is asked.
  const { settings, collection, queries_elapsed_ms: _untimed, ...first } = await evaluateAll();
  const askAll = async (): Promise<void> => {
    for (const query of queries.values()) {
      await runtime.retrieve(COLLECTION, queryRequestSchema.parse({ ...settings.query, query }));
    }
  };
  await askAll();

  const times: { readonly evaluation: number[]; readonly asking: number[]; readonly loop: number[] } = {
    evaluation: [],
    asking: [],
    loop: [],
  };
  const rounds = Array.from({ length: Number(values.rounds) }, (_, at) => at);
  await takeTurns(rounds, [
    async () => {
      const began = performance.now();
      const record = await evaluateAll();
      times.evaluation.push(performance.now() - began);
      times.asking.push(record.queries_elapsed_ms);
    },
    async () => {
      const began = performance.now();
      await askAll();
      times.loop.push(performance.now() - began);
    },
  ]);

  const median = (of: readonly number[]): number => quantile(of, 0.5);
  const results = {
    ...circumstances(),
    data_set: basename(folder),
    split: values.split,
    store: runtime.store.kind,
    documents: collection.documents,
    chunks: collection.chunks,
    queries: queries.size,
    warm_up: settings.warm_up,
    rounds: rounds.length,
    ndcg_at_10: first.metrics['ndcg@10'],
    evaluation_ms: median(times.evaluation),
    asking_ms: median(times.asking),
    loop_ms: median(times.loop),
    times_ms: times,
    ratio: median(times.evaluation) / median(times.loop),
    ratio_of_asking: median(times.asking) / median(times.loop),
    wanted: WANTED,
  };
  await writeResults(
    values.out,
    'eval',
    results,
    `# An evaluation against asking its queries

\`node dist/bench/eval/run.js FOLDER --store …\`, ${results.date}, ${results.machine}, Node ${results.node}.

${results.data_set}, split ${results.split}: ${String(results.queries)} queries over ${String(results.documents)} documents in ${String(results.chunks)} chunks, store ${results.store}.
The evaluation is the whole command on a built index: reading the data set, ${String(results.warm_up)} queries for warming up, all
queries, the measures with their intervals, the record, the table. The loop asks the same queries with the same
settings and does nothing with the answers. Medians of ${String(results.rounds)} turns each, in one process, after one that is not timed.

| | seconds | against the loop |
| --- | --- | --- |
| queries in a plain loop | ${(results.loop_ms / 1000).toFixed(2)} | 1 |
| the same queries in an evaluation | ${(results.asking_ms / 1000).toFixed(2)} | ${results.ratio_of_asking.toFixed(3)} |
| the whole evaluation | ${(results.evaluation_ms / 1000).toFixed(2)} | **${results.ratio.toFixed(3)}** |

Wanted: at most ${String(WANTED)} for the whole.
`,
  );
  console.log(JSON.stringify(results, null, 2));
  if (!(results.ratio <= WANTED)) process.exitCode = 1;
} finally {
  await runtime.close();
  await rm(scratch, { recursive: true, force: true });
}
