/**
 * Measures retrieval on a data set in BEIR form, by each leg and by both, with default settings, and
 * holds the measures against trec_eval's on the same run files (which needs Python once).
 *
 *     node dist/bench/retrieval/run.js BEIR_FOLDER [--split test] [--embedder minilm-l6] [--out FOLDER]
 *
 * The store is the configured one (PLUMBLINE_STORE_URL). The targets are those of SciFact's test split.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Target } from '../../eval/collection.js';
import { loadDataSet } from '../../eval/dataset.js';
import { METRICS, type Measures } from '../../eval/measures.js';
import { evaluate } from '../../eval/run.js';
import { writeRun } from '../../eval/trec.js';
import { checkMeasures } from '../../eval/verify.js';
import { loadConfig } from '../../src/config.js';
import { MODES } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';

const TARGETS = { keyword: 0.685, vector: 0.665, hybrid: 0.73 } as const satisfies Record<
  (typeof MODES)[number],
  number
>;
const RECALL_TARGET = 0.95;
const SAME = 1e-6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string', default: 'test' },
    embedder: { type: 'string', default: 'minilm-l6' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('Name a data set folder in BEIR form');

const dataSet = await loadDataSet(folder, { split: values.split, corpus: true });
const runtime = await openRuntime(loadConfig());
const scratch = await mkdtemp(join(tmpdir(), 'plumbline-retrieval-'));
const modes: Record<string, { readonly metrics: Measures; readonly p50: number; readonly p95: number }> = {};
let target: Target = { kind: 'own', settings: { embedder: values.embedder } };
let largest = 0;
let facts = { documents: 0, chunks: 0, store: '', model: '', queries: 0 };
try {
  for (const mode of MODES) {
    const { record, run } = await evaluate(runtime, dataSet, { target, query: { mode } });
    target = { kind: 'existing', collection: record.settings.collection };
    const path = join(scratch, `${mode}.trec`);
    await writeRun(path, run, `plumbline-${mode}`);
    const check = await checkMeasures(path, join(folder, 'qrels', `${values.split}.tsv`));
    largest = Math.max(largest, check.largest);
    const { p50, p95 } = record.latency_ms.total;
    modes[mode] = { metrics: record.metrics, p50, p95 };
    facts = {
      documents: record.collection.documents,
      chunks: record.collection.chunks,
      store: record.store,
      model: record.model_version,
      queries: record.data_set.queries,
    };
  }
} finally {
  await runtime.close();
  await rm(scratch, { recursive: true, force: true });
}

const misses = [
  ...MODES.filter((mode) => !((modes[mode]?.metrics['ndcg@10'] ?? 0) >= TARGETS[mode])),
  ...((modes['hybrid']?.metrics['recall@100'] ?? 0) >= RECALL_TARGET ? [] : ['recall@100']),
  ...(largest <= SAME ? [] : ['agreement']),
];
const results = {
  ...circumstances(),
  data_set: dataSet.name,
  split: dataSet.split,
  ...facts,
  modes,
  largest_difference_from_trec_eval: largest,
  targets: { 'ndcg@10': TARGETS, 'recall@100': { hybrid: RECALL_TARGET }, difference: SAME },
  misses,
};
const rows = MODES.map((mode) => {
  const measured = modes[mode];
  const cells = METRICS.map((metric) => measured?.metrics[metric].toFixed(4) ?? '–');
  return `| ${mode} | ${cells.join(' | ')} | ${String(TARGETS[mode])} | ${measured?.p50.toFixed(1) ?? '–'} |`;
});
await writeResults(
  values.out,
  `retrieval-${dataSet.name}-${facts.store}`,
  results,
  `# Retrieval on ${dataSet.name}, ${dataSet.split} split, ${facts.store} store

\`node dist/bench/retrieval/run.js FOLDER --split ${dataSet.split}\`, ${results.date}, ${results.machine}, Node ${results.node}.

${String(facts.queries)} questions over ${String(facts.documents)} documents in ${String(facts.chunks)} chunks, ${facts.model}, default settings,
documents by their best chunk. The fusion's weight was chosen on the train split (\`node dist/eval/tune.js FOLDER\`).

| leg | ${METRICS.join(' | ')} | nDCG@10 wanted | p50 ms |
| --- | ${METRICS.map(() => '---').join(' | ')} | --- | --- |
${rows.join('\n')}

Recall@100 wanted of the hybrid: ${String(RECALL_TARGET)}. Largest difference of any measure of any question from trec_eval's
on the same run files: ${largest.toExponential(1)} (wanted: at most 1e-6).
`,
);
console.log(JSON.stringify(results, null, 2));
if (misses.length > 0) process.exitCode = 1;
