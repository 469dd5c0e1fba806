/** One store's measures of the data set, by each leg and by both. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../../eval/collection.js';
import type { DataSet } from '../../eval/dataset.js';
import type { Measures } from '../../eval/measures.js';
import { evaluate } from '../../eval/run.js';
import { writeRun } from '../../eval/trec.js';
import { checkMeasures } from '../../eval/verify.js';
import type { Config } from '../../src/config.js';
import { MODES } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';

export type Mode = (typeof MODES)[number];

interface MeasuredMode {
  readonly metrics: Measures;
  readonly p50: number;
  readonly p95: number;
}

export interface Measured {
  readonly store: string;
  readonly model: string;
  readonly documents: number;
  readonly chunks: number;
  readonly queries: number;
  readonly modes: Readonly<Partial<Record<Mode, MeasuredMode>>>;
  readonly largest_difference_from_trec_eval: number;
}

export async function measureStore(
  config: Config,
  dataSet: DataSet,
  asked: { readonly folder: string; readonly split: string; readonly embedder: string },
): Promise<Measured> {
  const runtime = await openRuntime(config);
  const scratch = await mkdtemp(join(tmpdir(), 'plumbline-retrieval-'));
  const modes: Partial<Record<Mode, MeasuredMode>> = {};
  let target: Target = { kind: 'own', settings: { embedder: asked.embedder } };
  let largest = 0;
  let facts = { documents: 0, chunks: 0, store: '', model: '', queries: 0 };
  try {
    for (const mode of MODES) {
      const { record, run } = await evaluate(runtime, dataSet, { target, query: { mode } });
      target = { kind: 'existing', collection: record.settings.collection };
      const path = join(scratch, `${mode}.trec`);
      await writeRun(path, run, `plumbline-${mode}`);
      const check = await checkMeasures(path, join(asked.folder, 'qrels', `${asked.split}.tsv`));
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
  return { ...facts, modes, largest_difference_from_trec_eval: largest };
}
