/** How the results of the benchmark read. */
import type { Circumstances } from '../support/report.js';
import type { Comparison, Side } from './types.js';

export interface Results extends Circumstances, Comparison {
  readonly store: string;
  readonly chunks: number;
  readonly documents: number;
  readonly slices: number;
  readonly seed: number;
  /** Floor → its time divided by ours. */
  readonly ratios: Readonly<Record<string, { readonly load: number; readonly total: number }>>;
  readonly wanted: number;
}

export function total({ loadSeconds, indexSeconds }: Side): number {
  return loadSeconds + indexSeconds;
}

export function report(results: Results): string {
  const { ours, floors, ratios, chunks } = results;
  const line = (name: string, side: Side, ratio: { readonly load: number; readonly total: number }): string =>
    `| ${name} | ${rate(chunks / side.loadSeconds)} | ${side.loadSeconds.toFixed(1)} | ${side.indexSeconds.toFixed(1)} | ${total(side).toFixed(1)} | ${ratio.load.toFixed(2)} | **${ratio.total.toFixed(2)}** |`;
  const floorLines = Object.entries(floors).map(([name, side]) =>
    line(`bare, ${name}`, side, ratios[name] ?? { load: NaN, total: NaN }),
  );
  return `# Loading ${rate(chunks)} chunks, ${results.store}

\`node dist/bench/load/run.js --store URL\`, ${results.date}, ${results.machine}, Node ${results.node},
${results.server}.

${rate(results.documents)} documents of five chunks of 40 words, 384 dimensions, and four metadata fields, drawn with a fixed seed.
The sides take turns, in ${String(results.slices)} slices. A ratio is the bare side's time divided by Plumbline's.

| | chunks/s | load s | index s | all s | ratio of the loads | ratio of all |
| --- | --- | --- | --- | --- | --- | --- |
${line('Plumbline', ours, { load: 1, total: 1 })}
${floorLines.join('\n')}

${results.store === 'opensearch' ? OPENSEARCH : POSTGRESQL}

Wanted: a ratio of all of at least ${String(results.wanted)} against the bare side ${results.target}.
`;
}

const POSTGRESQL = `- **Plumbline**: \`putDocuments\` in batches of 515 chunks, as ingest does: documents with their texts, chunks, vectors,
  and the exact keyword index, each batch in one transaction and into tables whose indexes are there. Then
  \`finishLoad\`: HNSW, joining the keyword index's pieces, statistics.
- **bare**: binary COPY into one table of key, ids, text, vector and metadata, then the same indexes on ids and
  metadata, the same HNSW index, and \`analyze\`. "With a GIN text index" has a generated \`tsvector\` column and its
  index as well; its HNSW time is that of the other table, which is the same work.
- Both build their HNSW index at the same time, a core each, so that both meet the same disturbances; with the same
  settings, workers included.

The wanted ratio is about the bare side with a text index. Without one it could answer no keyword query, so it
does less than what is compared; its ratio shows what the keyword index costs.`;

const OPENSEARCH = `- **Plumbline**: \`putDocuments\` in batches of 515 chunks, as ingest does, then \`finishLoad\`. Every batch is a turn of its
  own among writers, is written under new ids and shown by a refresh.
- **bare**: \`_bulk\` of ready-made chunks, a thousand a request, into an index with the same mapping and the same
  settings (one shard, the same replicas, no refresh on its own), and one refresh at the end. It sends no documents.
- "Index" is what goes on behind requests: merges, which build most of the graph. After each of its slices a side
  waits for them, and that is its time.`;

function rate(number: number): string {
  return Math.round(number).toLocaleString('en-GB');
}
