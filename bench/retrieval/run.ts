/**
 * Measures retrieval on a data set in BEIR form, by each leg and by both, with default settings, and
 * holds the measures against trec_eval's on the same run files (which needs Python once).
 *
 *     node dist/bench/retrieval/run.js BEIR_FOLDER [--store URL …] [--split test] [--embedder minilm-l6] [--out FOLDER]
 *
 * The store is the configured one (PLUMBLINE_STORE_URL) where none is named. With several, a table
 * beside the stores' own pages shows whether they agree. The targets are those of SciFact's test split.
 */
import { parseArgs } from 'node:util';
import { loadDataSet } from '../../eval/dataset.js';
import { loadConfig } from '../../src/config.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { measureStore } from './measure.js';
import type { Measured } from './measure.js';
import { agreementOf, agreementReport, missesOf, report } from './report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string', multiple: true, default: [] },
    split: { type: 'string', default: 'test' },
    embedder: { type: 'string', default: 'minilm-l6' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('Name a data set folder in BEIR form');

const dataSet = await loadDataSet(folder, { split: values.split, corpus: true });
const environments =
  values.store.length === 0
    ? [process.env]
    : values.store.map((url) => ({ ...process.env, PLUMBLINE_STORE_URL: url }));
const measured: Measured[] = [];
for (const environment of environments) {
  const config = loadConfig(environment);
  const one = await measureStore(config, dataSet, { folder, split: values.split, embedder: values.embedder });
  const results = {
    ...circumstances(),
    data_set: dataSet.name,
    split: dataSet.split,
    ...one,
    ...missesOf(one),
  };
  await writeResults(values.out, `retrieval-${dataSet.name}-${one.store}`, results, report(results));
  console.log(JSON.stringify(results, null, 2));
  if (results.misses.length > 0) process.exitCode = 1;
  measured.push(one);
}
if (measured.length > 1) {
  const results = {
    ...circumstances(),
    data_set: dataSet.name,
    split: dataSet.split,
    stores: measured,
    ...agreementOf(measured),
  };
  await writeResults(values.out, `retrieval-${dataSet.name}-stores`, results, agreementReport(results));
  console.log(JSON.stringify({ ...results, stores: measured.map(({ store }) => store) }, null, 2));
  if (!results.agrees) process.exitCode = 1;
}
