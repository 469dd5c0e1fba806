/**
 * Measures loading through the store's port against the same rows by the bare client.
 *
 *     node dist/bench/load/run.js --store URL [--chunks N] [--slices N] [--seed N] [--out FOLDER]
 *
 * URL is of a PostgreSQL or an OpenSearch. Works in a database or in indexes of its own, and removes them.
 */
import { parseArgs } from 'node:util';
import { parseStoreUrl } from '../../src/config.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { drawCorpus } from './corpus.js';
import { compareOpenSearch } from './opensearch.js';
import { comparePostgres } from './postgres.js';
import { report, total } from './report.js';
import type { Results } from './report.js';

const WANTED = 0.8;

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    chunks: { type: 'string', default: '100000' },
    slices: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
if (values.store === undefined) throw new Error('Name --store postgresql://… or opensearch://…');
const { kind } = parseStoreUrl(values.store);
if (kind !== 'postgresql' && kind !== 'opensearch')
  throw new Error('--store is a PostgreSQL or an OpenSearch');
const seed = Number(values.seed);
const slices = Number(values.slices);
const corpus = drawCorpus(Number(values.chunks), 0, seed);

const compare = kind === 'postgresql' ? comparePostgres : compareOpenSearch;
const comparison = await compare(values.store, corpus, slices);
const { ours, floors } = comparison;
const results: Results = {
  ...circumstances(),
  store: kind,
  chunks: corpus.chunks,
  documents: corpus.documents.length,
  slices,
  seed,
  ...comparison,
  ratios: Object.fromEntries(
    Object.entries(floors).map(([name, side]) => [
      name,
      { load: side.loadSeconds / ours.loadSeconds, total: total(side) / total(ours) },
    ]),
  ),
  wanted: WANTED,
};
await writeResults(values.out, `load-${kind}`, results, report(results));
console.log(JSON.stringify(results, null, 2));
if (!((results.ratios[results.target]?.total ?? 0) >= WANTED)) process.exitCode = 1;
