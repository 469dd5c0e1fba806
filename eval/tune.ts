/**
 * Chooses the fusion of the hybrid mode on a data set's train split:
 *
 *     node dist/eval/tune.js DIR [--split train] [--embedder minilm-l6]
 *
 * The default vector weight is read off this table; the test split is not looked at.
 */
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/config.js';
import { RetrievalError } from '../src/errors.js';
import { openRuntime } from '../src/runtime.js';
import { loadDataSet } from './dataset.js';
import { METRICS } from './measures.js';
import { sweepFusion } from './sweep/fusion.js';
import { renderTable } from './tables.js';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      split: { type: 'string', default: 'train' },
      embedder: { type: 'string', default: 'minilm-l6' },
    },
  });
  const [folder] = positionals;
  if (folder === undefined) {
    throw new RetrievalError(
      'invalid_request',
      'Usage: node dist/eval/tune.js DIR [--split train] [--embedder NAME]',
    );
  }
  const dataSet = await loadDataSet(folder, { split: values.split, corpus: true });
  const runtime = await openRuntime(loadConfig());
  try {
    const rows = await sweepFusion(
      runtime,
      dataSet,
      { kind: 'own', settings: { embedder: values.embedder } },
      { onRow: (row) => process.stderr.write(`${row.name}: nDCG@10 ${row.metrics['ndcg@10'].toFixed(4)}\n`) },
    );
    const byNdcg = [...rows].sort((a, b) => b.metrics['ndcg@10'] - a.metrics['ndcg@10']);
    const lines = renderTable(
      ['fusion', ...METRICS],
      byNdcg.map((row) => [row.name, ...METRICS.map((metric) => row.metrics[metric].toFixed(4))]),
    );
    for (const line of lines) console.log(line);
  } finally {
    await runtime.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof RetrievalError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
}
