/**
 * Measures the keyword leg against PostgreSQL's own `ts_rank`, in the same database.
 *
 *     node dist/bench/keyword/run.js BEIR_FOLDER --store postgresql://… [--explain] [--out FOLDER]
 *
 * Works in a database of its own, which it makes and drops. The corpus goes through ingest, so both
 * sides search the same chunks. They take turns, ten queries at a time: after one query of the other
 * side, a database process finds its caches and its processor taken, which a service's does not.
 * `--explain` prints the peer's plan of the first query.
 */
import { parseArgs } from 'node:util';
import { loadDataSet } from '../../eval/dataset.js';
import { meanMeasures, measureRun } from '../../eval/measures.js';
import { rankAsTrecEval } from '../../eval/trec.js';
import type { ScoredDocument } from '../../eval/trec.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { generationTables } from '../../src/stores/pgvector/tables.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { withScratchDatabase } from '../support/scratch.js';
import type { ScratchDatabase } from '../support/scratch.js';
import { quantile } from '../support/stats.js';
import { openHashEmbedder } from './embedder.js';
import { createPeer, orQuery } from './peer.js';

const COLLECTION = 'bench-keyword';
/** What a query takes from each leg when nothing else is said. */
const CANDIDATES = 100;
/** The peer without a stored column takes so long that every tenth query is enough. */
const EVERY = 10;
/** Queries that a side answers before it is the other's turn. */
const TURN = 10;
const TARGET = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string' },
    split: { type: 'string', default: 'test' },
    explain: { type: 'boolean', default: false },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const [folder] = positionals;
if (folder === undefined || values.store === undefined) {
  throw new Error('Name a data set folder in BEIR form, and --store postgresql://…');
}
const dataSet = await loadDataSet(folder, { split: values.split, corpus: true });
const results = await withScratchDatabase(values.store, measure);
await writeResults(
  values.out,
  'keyword',
  results,
  `# The keyword leg against \`ts_rank\`

\`node dist/bench/keyword/run.js FOLDER --store postgresql://…\`, ${results.date}, ${results.machine}, Node ${results.node},
${results.server}.

${results.data_set}: ${String(results.documents)} documents, ${String(results.chunks)} chunks; ${String(results.queries)} queries of the split "${results.split}", ${String(CANDIDATES)}
chunks each, one query after another. Both sides search the same chunks in the same database and take turns,
ten queries at a time.

- The keyword leg is BM25 over Plumbline's postings, called through the store's port, so its time holds the
  analysis of the question and all statements.
- The peer is \`ts_rank(words, query, 1)\` over a stored \`tsvector\` column with a GIN index. The question's words are
  OR-ed, and stemmed before the clock runs; one statement over one connection.
- Without the stored column, \`ts_rank(to_tsvector('english', text), query, 1)\` with an index over that expression
  makes the text vectors of all matches anew. It ranks the same, and was asked every tenth query.

| | p50 ms | p95 ms | nDCG@10 |
| --- | --- | --- | --- |
| keyword leg | ${results.leg.p50_ms.toFixed(2)} | ${results.leg.p95_ms.toFixed(2)} | ${results.leg.ndcg_10.toFixed(4)} |
| \`ts_rank\`, stored column | ${results.ts_rank.p50_ms.toFixed(2)} | ${results.ts_rank.p95_ms.toFixed(2)} | ${results.ts_rank.ndcg_10.toFixed(4)} |
| \`ts_rank\`, nothing stored | ${results.ts_rank_nothing_stored.p50_ms.toFixed(2)} | ${results.ts_rank_nothing_stored.p95_ms.toFixed(2)} | |

The keyword leg's median is **${results.ratio_p50.toFixed(1)}** times shorter than with the stored column; wanted: at least ${String(TARGET)}. nDCG@10 is over documents, each
with its best chunk.
`,
);
console.log(JSON.stringify(results, null, 2));
if (!(results.ratio_p50 >= TARGET)) process.exitCode = 1;

interface Question {
  readonly id: string;
  readonly text: string;
  /** For the peer; null where the question has no words. */
  readonly words: string | null;
}

interface Side {
  readonly times: number[];
  readonly run: Map<string, readonly ScoredDocument[]>;
}

async function measure({ url, client, server }: ScratchDatabase) {
  const config = loadConfig({ ...process.env, PLUMBLINE_STORE_URL: url });
  const store = await openPgVectorStore({
    connection: { kind: 'postgresql', url, poolSize: config.postgres.poolSize },
    statementTimeoutMs: config.postgres.statementTimeoutMs,
  });
  const runtime = await openRuntime(config, {
    store,
    openEmbedder: (name) => openHashEmbedder(name, config),
  });
  try {
    const { generation } = await runtime.catalog.createCollection({
      name: COLLECTION,
      embedder: 'minilm-l6',
      metric: 'cosine',
      index: { kind: 'none' },
    });
    if (dataSet.corpus === null) throw new Error('The data set has no corpus');
    await runtime.ingest(COLLECTION, dataSet.corpus.source());
    const { counts } = await runtime.catalog.describeCollection(COLLECTION);
    const tables = generationTables(generation.id);
    const peer = await createPeer(client, tables.chunks);
    for (const table of Object.values(tables)) await client.query(`vacuum analyze ${table}`);

    const ref = { collection: COLLECTION, generation: generation.id };
    const leg: Side = { times: [], run: new Map() };
    const full: Side = { times: [], run: new Map() };
    const textTimes: number[] = [];
    const questions: Question[] = [];
    for (const [id, text] of dataSet.queries)
      questions.push({ id, text, words: await orQuery(client, text) });

    const askLeg = async ({ id, text }: Question): Promise<void> => {
      const began = performance.now();
      const hits = await store.keywordLeg(ref, { text, k: CANDIDATES, filter: { kind: 'all' } });
      leg.times.push(performance.now() - began);
      leg.run.set(id, rankAsTrecEval(hits.map((hit) => ({ id: hit.documentId, score: hit.score }))));
    };
    const askPeer = async ({ id, words }: Question): Promise<void> => {
      const began = performance.now();
      const hits = words === null ? [] : await peer.search(words, CANDIDATES);
      full.times.push(performance.now() - began);
      full.run.set(id, rankAsTrecEval(hits.map((hit) => ({ id: hit.document_id, score: hit.score }))));
    };
    // A first round is not timed: caches are cold there, and code is not compiled yet.
    for (let round = 0; round < 2; round += 1) {
      for (let at = 0; at < questions.length; at += TURN) {
        const turn = questions.slice(at, at + TURN);
        const sides = (at / TURN) % 2 === 0 ? [askLeg, askPeer] : [askPeer, askLeg];
        for (const ask of sides) for (const question of turn) await ask(question);
      }
    }
    for (const [index, { words }] of questions.entries()) {
      if (words === null) continue;
      if (values.explain && index === 0) console.error(await peer.explain(words, CANDIDATES));
      if (index % EVERY !== 0) continue;
      const began = performance.now();
      await peer.searchText(words, CANDIDATES);
      textTimes.push(performance.now() - began);
    }
    const [ours, theirs] = [summary(leg), summary(full)];
    return {
      ...circumstances(),
      server,
      data_set: dataSet.name,
      split: dataSet.split,
      documents: counts.documents,
      chunks: counts.chunks,
      queries: questions.length,
      candidates: CANDIDATES,
      leg: ours,
      ts_rank: theirs,
      ts_rank_nothing_stored: { queries: textTimes.length, ...times(textTimes) },
      ratio_p50: theirs.p50_ms / ours.p50_ms,
      target: TARGET,
    };
  } finally {
    await runtime.close();
  }
}

function summary(side: Side) {
  return {
    ...times(side.times.slice(side.times.length / 2)),
    ndcg_10: meanMeasures([...measureRun(side.run, dataSet.qrels).values()])['ndcg@10'],
  };
}

function times(numbers: readonly number[]): { readonly p50_ms: number; readonly p95_ms: number } {
  return { p50_ms: quantile(numbers, 0.5), p95_ms: quantile(numbers, 0.95) };
}
