/**
 * Measures what the vector index finds under filters against the store's exact search, and what
 * the bare statement with pgvector's defaults finds.
 *
 *     node dist/bench/ann/run.js --store postgresql://… [--chunks N] [--queries N] [--seed N] [--out FOLDER]
 *
 * Works in a database of its own, which it makes and drops.
 */
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/config.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { withScratchDatabase } from '../support/scratch.js';
import type { ScratchDatabase } from '../support/scratch.js';
import { quantile, sum } from '../support/stats.js';
import { SELECTIVITIES, filterOf, load } from './collection.js';
import type { Kind, Loaded, Selectivity } from './collection.js';
import { createPeer } from './peer.js';
import type { Peer } from './peer.js';
import { report } from './report.js';
import type { Half, Row, Timed } from './report.js';
import { PER_DOCUMENT, drawVectors } from './vectors.js';

const K = 10;
const WARM_UP = 10;
const TARGET = 0.99;

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    chunks: { type: 'string', default: '50000' },
    queries: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
if (values.store === undefined) throw new Error('Name --store postgresql://…');
const seed = Number(values.seed);
const vectors = drawVectors(Math.round(Number(values.chunks) / PER_DOCUMENT), Number(values.queries), seed);

const results = await withScratchDatabase(values.store, measure);
await writeResults(values.out, 'ann', results, report(results));
console.log(JSON.stringify(results, null, 2));
if (![...results.rows, ...results.half.rows].every((row) => row.store.recall_10 >= TARGET))
  process.exitCode = 1;

async function measure({ url, client, server }: ScratchDatabase) {
  const { postgres } = loadConfig({ ...process.env, PLUMBLINE_STORE_URL: url });
  const store = await openPgVectorStore({
    connection: { kind: 'postgresql', url, poolSize: postgres.poolSize },
    statementTimeoutMs: postgres.statementTimeoutMs,
  });
  try {
    const loaded = await load(store, vectors.documents, seed);
    const chunks = vectors.documents.length * PER_DOCUMENT;
    console.error(
      `loaded in ${loaded.loadSeconds.toFixed(1)} s, built in ${loaded.buildSeconds.toFixed(1)} s`,
    );
    const peer = await createPeer(client, loaded.ref.generation);
    const rows: Row[] = [];
    for (const kind of ['spread', 'topics'] as const) {
      for (const selectivity of SELECTIVITIES) {
        // All documents are all documents, however they are sorted.
        if (kind === 'topics' && selectivity === 1) continue;
        rows.push(await measureFilter(store, loaded, peer, kind, selectivity));
        console.error(JSON.stringify(rows.at(-1)));
      }
    }
    const half = await measureHalf(store, client, rows);
    return {
      ...circumstances(),
      server,
      chunks,
      queries: vectors.queries.length,
      seed,
      load_rows_per_second: chunks / loaded.loadSeconds,
      build_seconds: loaded.buildSeconds,
      index_bytes: (await store.indexBytes?.(loaded.ref.collection)) ?? Number.NaN,
      rows,
      half,
      target: TARGET,
    };
  } finally {
    await store.close();
  }
}

/** The same collection with an index over half-precision numbers, where the index answered before. */
async function measureHalf(
  store: VectorStore,
  client: ScratchDatabase['client'],
  whole: readonly Row[],
): Promise<Half> {
  const loaded = await load(store, vectors.documents, seed, '2x');
  console.error(`half precision: built in ${loaded.buildSeconds.toFixed(1)} s`);
  const peer = await createPeer(client, loaded.ref.generation);
  const rows: Row[] = [];
  for (const row of whole) {
    const selectivity = SELECTIVITIES.find((one) => one === row.selectivity);
    if (selectivity === undefined || row.store.strategies['approximate'] === undefined) continue;
    rows.push(await measureFilter(store, loaded, peer, row.kind, selectivity));
    console.error(JSON.stringify(rows.at(-1)));
  }
  return {
    build_seconds: loaded.buildSeconds,
    index_bytes: (await store.indexBytes?.(loaded.ref.collection)) ?? Number.NaN,
    rows,
  };
}

async function measureFilter(
  store: VectorStore,
  { ref }: Loaded,
  peer: Peer,
  kind: Kind,
  selectivity: Selectivity,
): Promise<Row> {
  const filter = filterOf(kind, selectivity);
  const ours: { readonly times: number[]; readonly recalls: number[] } = { times: [], recalls: [] };
  const bare: { readonly times: number[]; readonly recalls: number[] } = { times: [], recalls: [] };
  const strategies = new Map<string, number>();
  const queries = [...vectors.queries.slice(0, WARM_UP), ...vectors.queries];
  for (const [index, vector] of queries.entries()) {
    const truth = await store.vectorLeg(ref, { vector, k: K, filter, exact: true });
    const wanted = new Set(truth.hits.map((hit) => hit.chunkId));
    const recall = (found: readonly string[]): number =>
      found.filter((id) => wanted.has(id)).length / wanted.size;
    const turns = [
      async (): Promise<void> => {
        const began = performance.now();
        const { hits, plan } = await store.vectorLeg(ref, { vector, k: K, filter });
        ours.times.push(performance.now() - began);
        ours.recalls.push(recall(hits.map((hit) => hit.chunkId)));
        if (index >= WARM_UP) strategies.set(plan.strategy, (strategies.get(plan.strategy) ?? 0) + 1);
      },
      async (): Promise<void> => {
        const began = performance.now();
        const ids = await peer.search(vector, filter);
        bare.times.push(performance.now() - began);
        bare.recalls.push(recall(ids));
      },
    ];
    if (index % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  const summary = ({ times, recalls }: typeof ours): Timed => ({
    recall_10: sum(recalls.slice(WARM_UP)) / vectors.queries.length,
    p50_ms: quantile(times.slice(WARM_UP), 0.5),
    p95_ms: quantile(times.slice(WARM_UP), 0.95),
  });
  const [first] = vectors.queries;
  return {
    kind,
    selectivity,
    store: { ...summary(ours), strategies: Object.fromEntries(strategies) },
    bare: {
      ...summary(bare),
      uses_index: first !== undefined && (await peer.usesIndex(first, filter)),
    },
  };
}
