/** How the results of the benchmark read. */
import type { Circumstances } from '../../support/report.js';
import type { FilterAnswer, FilterRow } from './measure-filters.js';
import type { LoadRow, QueryRow } from './measure-speed.js';

export interface Results extends Circumstances {
  readonly backend: 'pgvector' | 'opensearch';
  readonly server: string;
  readonly chunks: number;
  readonly queries: number;
  readonly filter_questions: number;
  readonly seed: number;
  readonly load_seconds: LoadRow;
  readonly load_ratio: number;
  readonly query: readonly QueryRow[];
  readonly filters: readonly FilterRow[];
  /** Filters that are not answered rightly. */
  readonly filters_missed: { readonly ours: number; readonly peer: number };
}

const NAMES = { pgvector: 'PGVectorStore', opensearch: 'OpenSearchVectorStore' } as const;

export function report(results: Results): string {
  const { backend, load_seconds: load, filters } = results;
  const peer = NAMES[backend];
  return `# Beside LangChain.js' ${peer}

\`node dist/bench/query/langchain/run.js --store URL\`, ${results.date}, ${results.machine}, Node ${results.node},
${results.server}, @langchain/community 1.1.29.

${results.chunks.toLocaleString('en-GB')} drawn chunks of 384 dimensions with four metadata fields, on the same server; HNSW with m 16 and
ef_construction 128 on both sides, everything else by default. The sides take turns. Ratios are the peer's time
divided by Plumbline's: above 1, Plumbline is faster.

## Loading

| | s | ratio |
| --- | --- | --- |
| Plumbline | ${load.ours.toFixed(1)} | |
| ${peer} | ${load.peer.toFixed(1)} | **${results.load_ratio.toFixed(2)}** |

${LOADING[backend]} Plumbline also writes documents, their texts and an exact
keyword index, each batch as a whole; the peer has no keyword index and replaces nothing.

## Queries for ten chunks

${String(results.queries)} questions. Recall is the share of the exact answer's ten. Both answer texts and metadata: Plumbline by the
vector leg and then reading its chunks.

| | recall@10 | p50 ms | ${peer}: recall@10 | p50 ms | ratio of p50 |
| --- | --- | --- | --- | --- | --- |
${results.query.map(queryLine).join('\n')}

## Filters

${String(results.filter_questions)} questions for each filter. "Wrong hits": some do not match the filter; "too few hits": fewer than ten though
more match; "cannot say it": the peer's language has no form for it. The worst of all questions counts.

| filter | Plumbline | recall@10 | ${peer} | recall@10 |
| --- | --- | --- | --- | --- |
${filters.map(filterLine).join('\n')}

Not answered rightly: **${String(results.filters_missed.ours)}** of ${String(filters.length)} by Plumbline, **${String(results.filters_missed.peer)}** by ${peer}.
`;
}

const LOADING = {
  pgvector: 'The peer inserts 500 rows a statement and then builds its index by `createHnswIndex`.',
  opensearch:
    'The peer sends 500 rows a request with a refresh after each; waiting for merges is part of both times. Its index has one shard and no replica.',
} as const;

function queryLine({ name, ours, peer }: QueryRow): string {
  const cells = [
    name,
    ours.recall_10.toFixed(4),
    ours.p50_ms.toFixed(2),
    peer.recall_10.toFixed(4),
    peer.p50_ms.toFixed(2),
    `**${(peer.p50_ms / ours.p50_ms).toFixed(2)}**`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function filterLine({ name, ours, peer }: FilterRow): string {
  return `| ${[name, ...filterCells(ours), ...filterCells(peer)].join(' | ')} |`;
}

function filterCells({ outcome, recall }: FilterAnswer): readonly string[] {
  return [outcome === 'right' ? outcome : `**${outcome}**`, recall === null ? '–' : recall.toFixed(3)];
}
