/**
 * Measures queries through the store's port against the same statements or requests by the bare client.
 *
 *     node dist/bench/query/run.js --store URL [--chunks N] [--queries N] [--rounds N] [--seed N] [--out FOLDER]
 *
 * URL is of a PostgreSQL or an OpenSearch. Works in a database or in indexes of its own, and removes
 * them. The two sides take turns of ten questions, after rounds that are not timed.
 */
import { parseArgs } from 'node:util';
import { parseStoreUrl } from '../../src/config.js';
import type { GenerationRef, VectorStore } from '../../src/stores/port.js';
import { drawCorpus, putAll, slicesOf, specOf } from '../load/corpus.js';
import type { Question } from '../load/corpus.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { withScratchIndexes } from '../support/scratch-opensearch.js';
import { withScratchDatabase } from '../support/scratch.js';
import { quantile } from '../support/stats.js';
import { withStore } from '../support/store.js';
import { bareOpenSearch } from './bare-opensearch.js';
import { barePostgres } from './bare-postgres.js';
import type { Bare, Recorded } from './bare.js';
import { CASES } from './cases.js';
import type { Case } from './cases.js';
import { report } from './report.js';
import type { Results, Row } from './report.js';

/** Questions of one side in a row: with single ones, each side would begin with the other's caches. */
const TURN = 10;
const WARM_UP_ROUNDS = 2;
const WANTED = 1.15;

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    chunks: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const { store: url } = values;
if (url === undefined) throw new Error('Name --store postgresql://… or opensearch://…');
const { kind } = parseStoreUrl(url);
const seed = Number(values.seed);
const corpus = drawCorpus(Number(values.chunks), Number(values.queries), seed);

const { server, rows } = await measure(url);
const results: Results = {
  ...circumstances(),
  store: kind,
  server,
  chunks: corpus.chunks,
  queries: corpus.questions.length,
  rounds: Number(values.rounds),
  seed,
  rows,
  wanted: WANTED,
};
await writeResults(values.out, `query-${kind}`, results, report(results));
console.log(JSON.stringify(results, null, 2));
if (!rows.every(({ ratio_p50 }) => ratio_p50 <= WANTED)) process.exitCode = 1;

interface Measured {
  readonly server: string;
  readonly rows: readonly Row[];
}

function measure(at: string): Promise<Measured> {
  switch (kind) {
    case 'postgresql':
      return withScratchDatabase(at, async (scratch) => {
        const { server: name } = scratch;
        const settle = async (): Promise<void> => {
          await scratch.client.query('vacuum analyze');
        };
        return {
          server: name,
          rows: await measureStore(scratch.url, () => barePostgres(scratch.url), settle),
        };
      });
    case 'opensearch':
      return withScratchIndexes(at, async (scratch) => {
        const { server: name } = scratch;
        return { server: name, rows: await measureStore(scratch.url, async () => bareOpenSearch(scratch)) };
      });
    case 'memory':
    case 'pglite':
    case 'oracle':
      throw new Error(`There is no bare client of the ${kind} store`);
    default:
      return kind satisfies never;
  }
}

function measureStore(
  at: string,
  openBare: () => Promise<Bare>,
  settle: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly Row[]> {
  return withStore(at, async (store) => {
    const { name, generation } = await store.createCollection(specOf('bench-query'));
    const ref = { collection: name, generation: generation.id };
    await putAll(store, ref, corpus.documents);
    await store.finishLoad(ref);
    await settle();
    console.error('loaded');
    const bare = await openBare();
    try {
      const rows: Row[] = [];
      for (const asked of CASES) {
        rows.push(await measureCase(store, ref, bare, asked));
        console.error(JSON.stringify(rows.at(-1)));
      }
      return rows;
    } finally {
      await bare.close();
    }
  });
}

async function measureCase(store: VectorStore, ref: GenerationRef, bare: Bare, asked: Case): Promise<Row> {
  const strategies = new Map<string, number>();
  const items: { readonly question: Question; readonly recorded: Recorded }[] = [];
  for (const question of corpus.questions) {
    const recorded = await bare.record(async () => {
      const { strategy } = await asked.ask(store, ref, question);
      if (strategy !== null) strategies.set(strategy, (strategies.get(strategy) ?? 0) + 1);
    }, question);
    items.push({ question, recorded });
  }
  const times: { readonly ours: number[]; readonly bare: number[] } = { ours: [], bare: [] };
  const turns = slicesOf(items, Math.ceil(items.length / TURN));
  for (let round = 0; round < WARM_UP_ROUNDS + Number(values.rounds); round += 1) {
    const isTimed = round >= WARM_UP_ROUNDS;
    for (const [index, turn] of turns.entries()) {
      const sides = [
        async (): Promise<void> => {
          for (const { question } of turn) {
            const took = await timed(() => asked.ask(store, ref, question));
            if (isTimed) times.ours.push(took);
          }
        },
        async (): Promise<void> => {
          for (const { recorded } of turn) {
            const took = await timed(() => recorded.send());
            if (isTimed) times.bare.push(took);
          }
        },
      ];
      if ((index + round) % 2 === 1) sides.reverse();
      for (const side of sides) await side();
    }
  }
  const requests = items.map(({ recorded }) => recorded.requests);
  return {
    name: asked.name,
    strategies: Object.fromEntries(strategies),
    requests: { least: Math.min(...requests), most: Math.max(...requests) },
    ours: { p50_ms: quantile(times.ours, 0.5), p95_ms: quantile(times.ours, 0.95) },
    bare: { p50_ms: quantile(times.bare, 0.5), p95_ms: quantile(times.bare, 0.95) },
    ratio_p50: quantile(times.ours, 0.5) / quantile(times.bare, 0.5),
  };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}
