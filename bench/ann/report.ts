/** How the results of the benchmark read. */
import type { Circumstances } from '../support/report.js';
import type { Kind } from './collection.js';

export interface Timed {
  readonly recall_10: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
}

export interface Row {
  readonly kind: Kind;
  readonly selectivity: number;
  /** With how many queries the store answered by each strategy. */
  readonly store: Timed & { readonly strategies: Readonly<Record<string, number>> };
  readonly bare: Timed & { readonly uses_index: boolean };
}

/** The same with an index over half-precision numbers. */
export interface Half {
  readonly build_seconds: number;
  readonly index_bytes: number;
  readonly rows: readonly Row[];
}

export interface Results extends Circumstances {
  readonly server: string;
  readonly chunks: number;
  readonly queries: number;
  readonly load_rows_per_second: number;
  readonly build_seconds: number;
  readonly index_bytes: number;
  readonly rows: readonly Row[];
  readonly half: Half;
  readonly target: number;
}

export function report(results: Results): string {
  const { rows } = results;
  return `# What the vector index finds under filters

\`node dist/bench/ann/run.js --store postgresql://…\`, ${results.date}, ${results.machine}, Node ${results.node},
${results.server}.

${thousands(results.chunks)} chunks of 384 dimensions, cosine, HNSW with the default settings (m 16, ef_construction 128); ${String(results.queries)}
queries for ten chunks, one after another. Recall is the share of the ten that the store's own exact search finds.

- **Plumbline**: \`vectorLeg\` of the store's port with its defaults; the time holds all its statements.
- **bare**: \`where … order by embedding <=> $1 limit 10\` on the same table with pgvector's defaults (\`hnsw.ef_search\` 40,
  no iterative scan). Where PostgreSQL's planner chose another index and compared the matches, the plan says "exact".

The vectors are drawn, with a fixed seed: a mixture of Gaussians on the unit sphere (200 topics, documents in them,
five passages a document) whose spectrum and spread were fitted to all-MiniLM-L6-v2's vectors of SciFact;
\`bench/ann/vectors.ts\` has the numbers. Queries are drawn near documents of the whole collection.

## Matches spread over all topics

${table(rows.filter(({ kind }) => kind === 'spread'))}

## Matches are whole topics

The harder case: most queries are about something else, and what lies near them does not match.

${table(rows.filter(({ kind }) => kind === 'topics'))}

Wanted: a recall of at least ${String(results.target)} in every row.

${halfReport(results)}

## Loading

${thousands(Math.round(results.load_rows_per_second))} chunks a second through \`putDocuments\` (1,000 chunks a call, with short texts and their keyword index), then
${results.build_seconds.toFixed(1)} s in \`finishLoad\` for the index and the planner's statistics.
`;
}

function halfReport({ rows, half, chunks, index_bytes: whole, build_seconds: built }: Results): string {
  const lines = half.rows.map((row) => {
    const same = rows.find(({ kind, selectivity }) => kind === row.kind && selectivity === row.selectivity);
    const cells = [
      row.kind === 'topics' ? 'whole topics' : 'spread',
      `${String(row.selectivity * 100)} %`,
      (same?.store.recall_10 ?? NaN).toFixed(4),
      `**${row.store.recall_10.toFixed(4)}**`,
      (same?.store.p50_ms ?? NaN).toFixed(1),
      row.store.p50_ms.toFixed(1),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const perChunk = (bytes: number): string => `${thousands(Math.round(bytes / chunks))} bytes a chunk`;
  return `## Half precision

With \`compression: 2x\` the index is over half-precision numbers (\`halfvec\`), and what it finds is scored by the whole
vectors, which the table keeps. The index takes ${perChunk(half.index_bytes)} instead of ${perChunk(whole)}; it was built in
${half.build_seconds.toFixed(1)} s, the other in ${built.toFixed(1)} s. Where matches are compared one by one, nothing changes.

| matches are | matches | recall@10, whole | half | p50 ms, whole | half |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}`;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ selectivity, store, bare }) => {
    const strategies = Object.entries(store.strategies).map(([strategy, queries]) =>
      Object.keys(store.strategies).length === 1 ? strategy : `${String(queries)} × ${strategy}`,
    );
    const cells = [
      `${String(selectivity * 100)} %`,
      `**${store.recall_10.toFixed(4)}**`,
      store.p50_ms.toFixed(1),
      store.p95_ms.toFixed(1),
      strategies.join(', '),
      bare.recall_10.toFixed(4),
      bare.p50_ms.toFixed(1),
      bare.p95_ms.toFixed(1),
      bare.uses_index ? 'approximate' : 'exact',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| matches | recall@10 | p50 ms | p95 ms | plan | bare: recall@10 | p50 ms | p95 ms | plan |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function thousands(number: number): string {
  return number.toLocaleString('en-GB');
}
