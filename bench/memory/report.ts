/** How the results of the benchmark read. */
import type { Circumstances } from '../support/report.js';
import type { Summary } from './summary.js';

export interface Row extends Summary {
  readonly store: string;
  readonly embedder: 'fake' | 'model';
}

export interface Results extends Circumstances {
  readonly seed: number;
  readonly rows: readonly Row[];
  readonly wanted: { readonly over_mb: number; readonly growth_mb_in_second_half: number };
}

export function report(results: Results): string {
  const { rows, wanted } = results;
  return `# Memory while loading

\`node dist/bench/memory/run.js --store URL …\`, ${results.date}, ${results.machine}, Node ${results.node}.

A process ingests Markdown documents of five short sections and is watched from outside (resident memory, ten times a
second; MB of 1,000,000 bytes). "Before" is when the store and the model are open and ten documents have gone through.
With drawn vectors everything runs but the model; with the model it is \`plumbline ingest\` of a JSONL file. The embedded store lives in the process, and its memory counts.

| store | vectors | chunks | s | before | highest while loading | while indexing | **over before** | MB per 10,000 chunks, second half |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.map(line).join('\n')}

Wanted: at most ${String(wanted.over_mb)} MB over what there was before, and at most ${String(wanted.growth_mb_in_second_half)} MB of growth over the second half of the load.

Medians of the tenths of each load, in MB:

| store | vectors | ${Array.from({ length: 10 }, (_, place) => String(place + 1)).join(' | ')} |
| --- | --- | ${Array.from({ length: 10 }, () => '---').join(' | ')} |
${rows.map(({ store, embedder, tenths_mb }) => `| ${store} | ${vectors(embedder)} | ${tenths_mb.map((mb) => mb.toFixed(0)).join(' | ')} |`).join('\n')}
`;
}

function line(row: Row): string {
  const cells = [
    row.store,
    vectors(row.embedder),
    row.chunks.toLocaleString('en-GB'),
    row.seconds.toFixed(0),
    row.baseline_mb.toFixed(0),
    row.max_mb.ingest.toFixed(0),
    row.max_mb.index === 0 ? '–' : row.max_mb.index.toFixed(0),
    `**${row.over_mb.toFixed(0)}**`,
    row.slope_mb_per_10000_chunks.toFixed(2),
  ];
  return `| ${cells.join(' | ')} |`;
}

function vectors(embedder: Row['embedder']): string {
  return embedder === 'fake' ? 'drawn' : 'the model';
}
