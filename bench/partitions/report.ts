/** How the results of the benchmark read. */
import type { Circumstances } from '../support/report.js';

export interface Timed {
  readonly recall_10: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  /** How many queries were answered in which way. */
  readonly strategies: Readonly<Record<string, number>>;
}

export interface Row {
  readonly name: string;
  readonly whole: Timed;
  readonly partitioned: Timed;
}

interface Size {
  readonly load_seconds: number;
  readonly build_seconds: number;
  readonly index_bytes: number;
}

export interface Results extends Circumstances {
  readonly server: string;
  readonly chunks: number;
  readonly departments: number;
  readonly partitions: number;
  /** Of the partitions that hold any, ascending. */
  readonly chunks_in_partitions: readonly number[];
  readonly queries: number;
  readonly seed: number;
  readonly whole: Size;
  readonly partitioned: Size;
  readonly rows: readonly Row[];
  readonly target: number;
}

export function report(results: Results): string {
  const { chunks, departments, partitions, chunks_in_partitions: used } = results;
  return `# Vectors in partitions

\`node dist/bench/partitions/run.js --store postgresql://…\`, ${results.date}, ${results.machine}, Node ${results.node},
${results.server}.

${thousands(chunks)} chunks of 384 dimensions of documents of ${String(departments)} departments, cosine, HNSW with the default settings; once in
one table, and once in ${String(partitions)} partitions by department. ${String(results.queries)} queries for ten chunks, one after another, through
\`vectorLeg\` of the store's port with its defaults; the two sides take turns. Recall is the share of the ten that the
exact search finds.

The vectors are those of [the vector index under filters](ann.md). Seven documents in ten are about topics of their
department, the others about any. A department's partition follows from a hash of its name, so some share one: here
${String(used.length)} of the partitions hold documents, ${used.map(thousands).join(', ')} chunks.

${table([
  [
    'filter',
    'one table: recall@10',
    'p50 ms',
    'p95 ms',
    'plan',
    'partitions: recall@10',
    'p50 ms',
    'p95 ms',
    'plan',
  ],
  ...results.rows.map(({ name, whole, partitioned }) => [name, ...cells(whole), ...cells(partitioned)]),
])}

Wanted: a recall of at least ${String(results.target)} in every row.

## Loading

${table([
  ['', 'chunks a second', 'index built in', 'index'],
  ...(
    [
      ['one table', results.whole],
      ['partitions', results.partitioned],
    ] as const
  ).map(([name, size]) => [
    name,
    thousands(Math.round(chunks / size.load_seconds)),
    `${size.build_seconds.toFixed(1)} s`,
    `${(size.index_bytes / 1_048_576).toFixed(1)} MB`,
  ]),
])}
`;
}

function cells({ recall_10, p50_ms, p95_ms, strategies }: Timed): readonly string[] {
  return [
    recall_10.toFixed(4),
    p50_ms.toFixed(1),
    p95_ms.toFixed(1),
    Object.keys(strategies).sort().join(', '),
  ];
}

/** Columns as wide as what they hold. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, at) => (row[at] ?? '').padEnd(width)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function thousands(number: number): string {
  return number.toLocaleString('en');
}
