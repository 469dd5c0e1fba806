/** Measures one data set under many ways of fusing the two legs. */
import type { QueryInput } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';
import type { Target } from '../collection.js';
import type { DataSet } from '../dataset.js';
import type { Measures } from '../measures.js';
import { evaluate } from '../run.js';

export interface SweepRow {
  readonly name: string;
  readonly metrics: Measures;
}

type Variant = Pick<QueryInput, 'mode' | 'fusion'>;

const WEIGHTS: readonly number[] = Array.from({ length: 11 }, (_, at) => (50 + 5 * at) / 100);

/**
 * Measures every variant through the very path users take, so nothing is simulated. The collection
 * is ingested once.
 */
export async function sweepFusion(
  runtime: Runtime,
  dataSet: DataSet,
  target: Target,
  options: { readonly signal?: AbortSignal; readonly onRow?: (row: SweepRow) => void } = {},
): Promise<readonly SweepRow[]> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const rows: SweepRow[] = [];
  let collection = target;
  for (const [name, query] of variants()) {
    const { record } = await evaluate(runtime, dataSet, { target: collection, query, ...signal });
    collection = { kind: 'existing', collection: record.settings.collection };
    const row = { name, metrics: record.metrics };
    rows.push(row);
    options.onRow?.(row);
  }
  return rows;
}

function variants(): readonly (readonly [string, Variant])[] {
  const weighted = (method: 'tm2c2' | 'min_max'): readonly (readonly [string, Variant])[] =>
    WEIGHTS.map((weight) => [
      `${method} ${weight.toFixed(2)}`,
      { mode: 'hybrid', fusion: { method, vector_weight: weight } },
    ]);
  return [
    ['keyword', { mode: 'keyword' }],
    ['vector', { mode: 'vector' }],
    ['rrf', { mode: 'hybrid', fusion: { method: 'rrf' } }],
    ...weighted('tm2c2'),
    ...weighted('min_max'),
  ];
}
