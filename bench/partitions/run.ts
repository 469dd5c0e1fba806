/**
 * Measures the vector leg over the same documents in one table and in partitions by a field of eight
 * values: recall and time with filters on it, without one, and with a filter on another field.
 *
 *     node dist/bench/partitions/run.js --store postgresql://… [--chunks N] [--partitions N] [--queries N] [--seed N] [--out FOLDER]
 *
 * Works in a database of its own, which it makes and drops. The two sides take turns of one question.
 */
import { parseArgs } from 'node:util';
import type { VectorStore } from '../../src/stores/port.js';
import { PER_DOCUMENT, drawVectors } from '../ann/vectors.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { withScratchDatabase } from '../support/scratch.js';
import type { ScratchDatabase } from '../support/scratch.js';
import { quantile, sum } from '../support/stats.js';
import { withStore } from '../support/store.js';
import { CASES, DEPARTMENTS, load, toWrites } from './collection.js';
import type { Case, Loaded } from './collection.js';
import { report } from './report.js';
import type { Results, Row, Timed } from './report.js';

const K = 10;
const WARM_UP = 16;
const TARGET = 0.99;

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    chunks: { type: 'string', default: '50000' },
    partitions: { type: 'string', default: '16' },
    queries: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
if (values.store === undefined) throw new Error('Name --store postgresql://…');
const seed = Number(values.seed);
const partitions = { field: 'department', count: Number(values.partitions), by: 'value' } as const;
const vectors = drawVectors(Math.round(Number(values.chunks) / PER_DOCUMENT), Number(values.queries), seed);

const results = await withScratchDatabase(values.store, (scratch) =>
  withStore(scratch.url, (store) => measure(scratch, store)),
);
await writeResults(values.out, 'partitions', results, report(results));
console.log(JSON.stringify(results, null, 2));
if (!results.rows.every((row) => row.partitioned.recall_10 >= TARGET)) process.exitCode = 1;

async function measure({ client, server }: ScratchDatabase, store: VectorStore): Promise<Results> {
  const writes = toWrites(vectors.documents, seed);
  const whole = await load(store, writes, null);
  console.error('loaded into one table');
  const partitioned = await load(store, writes, partitions);
  console.error('loaded into partitions');
  await client.query('vacuum analyze');
  const rows: Row[] = [];
  for (const asked of CASES) {
    rows.push(await measureCase(store, asked, whole, partitioned));
    console.error(JSON.stringify(rows.at(-1)));
  }
  const { rows: used } = await client.query<{ readonly chunks: string }>(
    `select count(*) as chunks from plumbline.g${String(partitioned.ref.generation)}_vectors group by tableoid order by 1`,
  );
  return {
    ...circumstances(),
    server,
    chunks: vectors.documents.length * PER_DOCUMENT,
    departments: DEPARTMENTS.length,
    partitions: partitions.count,
    chunks_in_partitions: used.map(({ chunks }) => Number(chunks)),
    queries: vectors.queries.length,
    seed,
    whole: sizeOf(whole),
    partitioned: sizeOf(partitioned),
    rows,
    target: TARGET,
  };
}

function sizeOf({ load_seconds, build_seconds, index_bytes }: Loaded): Results['whole'] {
  return { load_seconds, build_seconds, index_bytes };
}

interface Side {
  readonly loaded: Loaded;
  readonly times: number[];
  readonly recalls: number[];
  readonly strategies: Map<string, number>;
}

async function measureCase(store: VectorStore, asked: Case, whole: Loaded, parts: Loaded): Promise<Row> {
  const sides = [whole, parts].map((loaded): Side => ({
    loaded,
    times: [],
    recalls: [],
    strategies: new Map(),
  }));
  const queries = [...vectors.queries.slice(0, WARM_UP), ...vectors.queries];
  for (const [at, vector] of queries.entries()) {
    const filter = asked.filter(at);
    // The documents are the same in both, and so are the chunks' ids.
    const truth = await store.vectorLeg(whole.ref, { vector, k: K, filter, exact: true });
    const wanted = new Set(truth.hits.map(({ chunkId }) => chunkId));
    for (const { loaded, times, recalls, strategies } of at % 2 === 0 ? sides : sides.toReversed()) {
      const began = performance.now();
      const { hits, plan } = await store.vectorLeg(loaded.ref, { vector, k: K, filter });
      const took = performance.now() - began;
      if (at < WARM_UP) continue;
      times.push(took);
      recalls.push(hits.filter(({ chunkId }) => wanted.has(chunkId)).length / wanted.size);
      strategies.set(plan.strategy, (strategies.get(plan.strategy) ?? 0) + 1);
    }
  }
  const [one, other] = sides.map(({ times, recalls, strategies }): Timed => ({
    recall_10: sum(recalls) / recalls.length,
    p50_ms: quantile(times, 0.5),
    p95_ms: quantile(times, 0.95),
    strategies: Object.fromEntries(strategies),
  }));
  if (one === undefined || other === undefined) throw new Error('There are two sides');
  return { name: asked.name, whole: one, partitioned: other };
}
