/** How the results of the benchmark read. */
import type { Circumstances } from '../support/report.js';

interface Times {
  readonly p50_ms: number;
  readonly p95_ms: number;
}

export interface Row {
  readonly name: string;
  /** With how many questions the vector leg went which way. */
  readonly strategies: Readonly<Record<string, number>>;
  /** Statements or requests of one question. */
  readonly requests: { readonly least: number; readonly most: number };
  readonly ours: Times;
  readonly bare: Times;
  readonly ratio_p50: number;
}

export interface Results extends Circumstances {
  readonly store: string;
  readonly server: string;
  readonly chunks: number;
  readonly queries: number;
  readonly rounds: number;
  readonly seed: number;
  readonly rows: readonly Row[];
  readonly wanted: number;
}

export function report(results: Results): string {
  const what = results.store === 'postgresql' ? 'statements' : 'requests';
  return `# A leg through the store's port, ${results.store}

\`node dist/bench/query/run.js --store URL\`, ${results.date}, ${results.machine}, Node ${results.node},
${results.server}.

${results.chunks.toLocaleString('en-GB')} drawn chunks of 384 dimensions, default index; ${String(results.queries)} questions for a hundred chunks, one after another, ${String(results.rounds)}
times each. The bare client sends the very ${what} that the store sends for the question, over one connection with
the same settings, and does nothing with the answers; what is written as text or JSON is written by both. The two take
turns of ten questions, after ${String(2)} rounds that are not timed. The filter keeps three documents in ten.

| leg | ${what} | port p50 ms | p95 ms | bare p50 ms | p95 ms | ratio of p50 |
| --- | --- | --- | --- | --- | --- | --- |
${results.rows.map(line).join('\n')}

${results.store === 'postgresql' ? POSTGRESQL : OPENSEARCH}

Wanted: a ratio of at most ${String(results.wanted)} in every row.
`;
}

const POSTGRESQL = `Of the keyword leg the statements only hand over postings, packed, and look up the best chunks' ids: adding up and
finding the best are the store's own work, which the bare client leaves out (docs/decisions/0010). So its ratio is that
of the whole leg to the transfer of its data. The questions are hard on it: most hold words that half of all chunks have.
What the same ranking costs when the database does it is measured in [keyword.md](keyword.md).`;

const OPENSEARCH = `OpenSearch ranks by itself, so the bare client gets the finished hits of both legs; what the store adds is reading and
checking them.`;

function line({ name, strategies, requests, ours, bare, ratio_p50: ratio }: Row): string {
  const ways = Object.keys(strategies);
  const { least, most } = requests;
  const cells = [
    ways.length === 0 ? name : `${name} (${ways.join(', ')})`,
    least === most ? String(least) : `${String(least)}–${String(most)}`,
    ours.p50_ms.toFixed(2),
    ours.p95_ms.toFixed(2),
    bare.p50_ms.toFixed(2),
    bare.p95_ms.toFixed(2),
    `**${ratio.toFixed(3)}**`,
  ];
  return `| ${cells.join(' | ')} |`;
}
