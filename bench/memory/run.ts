/**
 * Watches the memory of a process that ingests many short chunks into each of several stores.
 *
 *     node dist/bench/memory/run.js --store URL [--store URL …] [--chunks N] [--model-chunks N] [--seed N] [--out FOLDER]
 *
 * Each store is filled twice, by processes of their own: with all the chunks by a pipeline whose
 * vectors are drawn, and with fewer by `plumbline ingest` with the real model, which takes its time.
 * `--model-chunks 0` leaves the second out. Without `--store` it is an embedded store in a folder of its own. Linux only.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseStoreUrl } from '../../src/config.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { withScratchIndexes } from '../support/scratch-opensearch.js';
import { withScratchDatabase } from '../support/scratch.js';
import { drawDocuments } from './documents.js';
import type { Order } from './messages.js';
import { report } from './report.js';
import type { Results, Row } from './report.js';
import { summarise } from './summary.js';
import { watchCommand, watchPipeline } from './watch.js';

const WANTED_MB = 400;
/** More than this over the second half of the load is growth and not noise. */
const FLAT_MB = 40;

const { values } = parseArgs({
  options: {
    store: { type: 'string', multiple: true, default: ['pglite:'] },
    chunks: { type: 'string', default: '100000' },
    'model-chunks': { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});

const seed = Number(values.seed);
const scratch = await mkdtemp(join(tmpdir(), 'plumbline-memory-'));
const rows: Row[] = [];
try {
  for (const url of values.store) {
    await measure(url, 'fake', Number(values.chunks));
    await measure(url, 'model', Number(values['model-chunks']));
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
const isFlat = ({ slope_mb_per_10000_chunks: slope, chunks }: Row): boolean =>
  (slope * chunks) / 2 / 10_000 <= FLAT_MB;
const results: Results = {
  ...circumstances(),
  seed,
  rows,
  wanted: { over_mb: WANTED_MB, growth_mb_in_second_half: FLAT_MB },
};
await writeResults(values.out, 'memory', results, report(results));
console.log(JSON.stringify(results, null, 2));
if (!rows.every((row) => row.over_mb <= WANTED_MB && isFlat(row))) process.exitCode = 1;

async function measure(url: string, embedder: Order['embedder'], chunks: number): Promise<void> {
  if (chunks === 0) return;
  const watched = await withScratchStore(url, async (store) => {
    const order: Order = { store, collection: 'bench-memory', embedder, chunks, seed };
    return embedder === 'fake' ? watchPipeline(order) : watchCommand(order, await writeJsonl(chunks));
  });
  rows.push({ store: url.slice(0, url.indexOf(':')), embedder, ...summarise(watched) });
  console.error(JSON.stringify(rows.at(-1)));
}

async function writeJsonl(chunks: number): Promise<string> {
  const file = join(scratch, 'documents.jsonl');
  const lines = [...drawDocuments(chunks, seed)].map(({ content: text, ...document }) =>
    JSON.stringify({ ...document, text }),
  );
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function withScratchStore<T>(url: string, work: (store: string) => Promise<T>): Promise<T> {
  if (url.startsWith('pglite:')) return work(`pglite:${await mkdtemp(join(scratch, 'pglite-'))}`);
  switch (parseStoreUrl(url).kind) {
    case 'postgresql':
      return withScratchDatabase(url, (made) => work(made.url));
    case 'opensearch':
      return withScratchIndexes(url, (made) => work(made.url));
    case 'memory':
    case 'pglite':
    case 'oracle':
      throw new Error('--store is pglite:, a PostgreSQL, or an OpenSearch');
  }
}
