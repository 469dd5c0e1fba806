/** The benchmark's results and how they are written down. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Row {
  readonly name: string;
  readonly textsPerSecond: number;
  /** Plumbline's speed divided by this one's: the median over rounds of the slices' ratios. */
  readonly plumblineRatio: number;
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly model: string;
  readonly threads: number;
  readonly texts: {
    readonly source: string;
    readonly count: number;
    readonly rounds: number;
    readonly meanTokens: number;
  };
  readonly rows: readonly Row[];
  readonly queryMs: { readonly p50: number; readonly p95: number };
  readonly maxEventLoopDelayMs: number;
}

export async function writeReport(folder: string, report: Report): Promise<string> {
  await mkdir(folder, { recursive: true });
  const text = markdown(report);
  await writeFile(join(folder, 'embedding.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, 'embedding.md'), text);
  return text;
}

function markdown(report: Report): string {
  const { texts } = report;
  const rows = report.rows.map(
    (row) => `| ${row.name} | ${row.textsPerSecond.toFixed(1)} | ${row.plumblineRatio.toFixed(2)} |`,
  );
  return `# Speed of the local embedder

\`node dist/bench/embedding/run.js\`, ${report.date}, ${report.machine}, Node ${report.node}.

Model ${report.model}, ${report.threads} worker threads. ${texts.count} texts of ${texts.meanTokens.toFixed(0)} tokens on
average (${texts.source}), in ${texts.rounds} rounds; in each round every contender embeds the same slice, and the
order changes from round to round. "Plumbline's ×" is the median over rounds of its speed divided by the
contender's.

| | texts/s | Plumbline's × |
| --- | --- | --- |
${rows.join('\n')}

Bare onnxruntime runs one text at a time on as many threads, on ready-made token ids, and throws the result
away: no tokenising, pooling, checking or messages. The pipeline is @xenova/transformers 2.17.2.

- A query of one sentence, nothing else running: ${report.queryMs.p50.toFixed(1)} ms (p50), ${report.queryMs.p95.toFixed(1)} ms (p95).
- Longest time the event loop was held up while embedding: ${report.maxEventLoopDelayMs.toFixed(0)} ms.
`;
}
