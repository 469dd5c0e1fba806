/**
 * Measures the same load, queries and filters by LangChain.js' vector stores on the same server.
 *
 *     node dist/bench/query/langchain/run.js --store URL [--chunks N] [--queries N] [--rounds N] [--seed N] [--out FOLDER]
 *
 * URL is of a PostgreSQL or an OpenSearch. Works in a database or in indexes of its own, and removes
 * them. LangChain.js is installed into bench/peers/langchain when it is not there.
 */
import { parseArgs } from 'node:util';
import { drawCorpus, specOf } from '../../load/corpus.js';
import { benchmarksFolder, circumstances, writeResults } from '../../support/report.js';
import { withBackend } from './backends.js';
import type { Backend } from './backends.js';
import { measureFilters } from './measure-filters.js';
import { measureLoad, measureQueries } from './measure-speed.js';
import { report } from './report.js';
import type { Results } from './report.js';

const SLICES = 10;
const FILTER_QUESTIONS = 20;

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    chunks: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
if (values.store === undefined) throw new Error('Name --store postgresql://… or opensearch://…');
const seed = Number(values.seed);
const corpus = drawCorpus(Number(values.chunks), Number(values.queries), seed);

const results = await withBackend(values.store, measure);
await writeResults(values.out, `langchain-${results.backend}`, results, report(results));
console.log(JSON.stringify(results, null, 2));

async function measure(backend: Backend): Promise<Results> {
  const { name, generation } = await backend.store.createCollection(specOf('bench-langchain'));
  const ref = { collection: name, generation: generation.id };
  const load = await measureLoad(backend, ref, corpus, SLICES);
  console.error('loaded', JSON.stringify(load));
  await backend.settle();
  const query = await measureQueries(backend, ref, corpus, Number(values.rounds));
  console.error('asked', JSON.stringify(query));
  const filters = await measureFilters(backend, ref, corpus, FILTER_QUESTIONS);
  return {
    ...circumstances(),
    backend: backend.kind,
    server: backend.server,
    chunks: corpus.chunks,
    queries: corpus.questions.length,
    filter_questions: FILTER_QUESTIONS,
    seed,
    load_seconds: load,
    load_ratio: load.peer / load.ours,
    query,
    filters,
    filters_missed: {
      ours: filters.filter(({ ours }) => ours.outcome !== 'right').length,
      peer: filters.filter(({ peer }) => peer.outcome !== 'right').length,
    },
  };
}
