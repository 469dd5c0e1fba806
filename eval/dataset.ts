/**
 * Loads an evaluation data set in BEIR's form (Thakur et al., arXiv 2104.08663): a folder with
 * `corpus.jsonl`, `queries.jsonl` (either may be `.gz`) and `qrels/SPLIT.tsv`.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { RetrievalError } from '../src/errors.js';
import { documentsMissing } from '../src/generations/expected.js';
import { idSchema } from '../src/generations/questions.js';
import { notMeasurable } from './expected.js';
import { firstIssue, scanCorpus, type Corpus } from './corpus.js';
import { dataSetError, parseJsonLine, readLines, type InputFile } from './lines.js';
import { readQrels, type Qrels } from './qrels.js';

/** A passage that answers a question, wherever chunks begin and end. */
export interface ExpectedPassage {
  readonly document: string;
  readonly text: string;
  /** Its name in the judgements and rankings. */
  readonly item: string;
}

export interface DataSet {
  /** The folder's name. */
  readonly name: string;
  readonly split: string;
  /** Hex SHA-256 over the split's judgements and the texts of its queries. */
  readonly hash: string;
  /** Query id → text, of the judged queries, in the order of the judgements. */
  readonly queries: ReadonlyMap<string, string>;
  readonly qrels: Qrels;
  readonly judgements: number;
  /** Null when it was not asked for. */
  readonly corpus: Corpus | null;
  /** Question id → what it expects inside documents; each is judged as an item of its own. */
  readonly passages?: ReadonlyMap<string, readonly ExpectedPassage[]>;
  /** What is odd about the data but does not stop a measurement; each with its count. */
  readonly warnings: readonly string[];
}

export interface LoadOptions {
  readonly split: string;
  /** Whether the corpus is read too; without it, only an existing collection can be measured. */
  readonly corpus: boolean;
  readonly signal?: AbortSignal;
}

const querySchema = z.object(
  { _id: idSchema, text: z.string({ error: 'must be a string' }) },
  { error: 'must be a JSON object' },
);

/** @throws RetrievalError `invalid_data_set`, naming file and line; `cancelled`. */
export async function loadDataSet(folder: string, options: LoadOptions): Promise<DataSet> {
  const { split, signal } = options;
  await assertFolder(folder);
  const qrelsFile = await findQrels(folder, split);
  const { qrels, judgements, conflicts } = await readQrels(qrelsFile, signal);
  const queries = await readQueries(await findJsonl(folder, 'queries'), qrels, signal);
  const corpus = options.corpus ? await scanCorpus(await findJsonl(folder, 'corpus'), signal) : null;
  const name = basename(resolve(folder));
  const missing = corpus === null ? [] : missingFrom(corpus, qrels, name);
  return {
    name,
    split,
    hash: hashJudged(queries, qrels),
    queries,
    qrels,
    judgements,
    corpus,
    warnings: [...missing, ...describeOddities(queries, qrels, conflicts, corpus)],
  };
}

async function assertFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() === true) return;
  const problem = found === null ? `There is no folder ${folder}` : `${folder} is a file`;
  throw new RetrievalError(
    'invalid_data_set',
    `${problem}; a data set is a folder of corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv`,
    { field: 'folder' },
  );
}

async function findJsonl(folder: string, name: 'corpus' | 'queries'): Promise<InputFile> {
  for (const label of [`${name}.jsonl`, `${name}.jsonl.gz`]) {
    const path = join(folder, label);
    if (await isFile(path)) return { path, label };
  }
  throw new RetrievalError(
    'invalid_data_set',
    `The folder holds neither ${name}.jsonl nor ${name}.jsonl.gz; a data set has corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv`,
    { details: { file: `${name}.jsonl` } },
  );
}

async function findQrels(folder: string, split: string): Promise<InputFile> {
  const label = `qrels/${split}.tsv`;
  const path = join(folder, 'qrels', `${split}.tsv`);
  if (/^[^/\\]+$/u.test(split) && (await isFile(path))) return { path, label };
  const present = await listSplits(folder);
  const hint =
    present.length === 0 ? 'The folder has no qrels/*.tsv' : `Splits present: ${present.join(', ')}`;
  throw new RetrievalError('invalid_data_set', `There is no ${label}. ${hint}`, {
    field: 'split',
    details: { file: label, splits: present },
  });
}

async function listSplits(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, 'qrels')).catch(() => []);
  return names
    .filter((name) => name.endsWith('.tsv'))
    .map((name) => name.slice(0, -'.tsv'.length))
    .sort();
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function readQueries(
  file: InputFile,
  qrels: Qrels,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const judged = new Map<string, string>();
  const seen = new Set<string>();
  for await (const line of readLines(file, signal)) {
    const parsed = querySchema.safeParse(parseJsonLine(file, line));
    if (!parsed.success) throw dataSetError(file, line.number, firstIssue(parsed.error));
    const { _id: id, text } = parsed.data;
    if (seen.has(id)) throw dataSetError(file, line.number, 'the _id has come before');
    seen.add(id);
    if (qrels.has(id)) judged.set(id, text);
  }
  if (judged.size === 0) throw dataSetError(file, null, 'holds no query that the judgements name');
  return new Map(
    [...qrels.keys()].flatMap((id) => {
      const text = judged.get(id);
      return text === undefined ? [] : [[id, text] as const];
    }),
  );
}

/** Hex SHA-256 over judgements and the texts of their queries. */
export function hashJudged(queries: ReadonlyMap<string, string>, qrels: Qrels): string {
  const hash = createHash('sha256');
  for (const [id, judgements] of [...qrels].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const pairs = [...judgements].sort(([a], [b]) => (a < b ? -1 : 1));
    hash.update(JSON.stringify([id, queries.get(id) ?? null, pairs]));
  }
  return hash.digest('hex');
}

/**
 * @throws RetrievalError `invalid_data_set` where the corpus has none of the relevant documents
 */
function missingFrom(corpus: Corpus, qrels: Qrels, name: string): readonly string[] {
  const relevant = [...qrels.values()].flatMap((judged) =>
    [...judged].filter(([, grade]) => grade > 0).map(([document]) => document),
  );
  const expected = new Set(relevant);
  const missing = [...expected].filter((id) => !corpus.has(id));
  const warnings = documentsMissing(missing, expected.size, 'the corpus');
  if (missing.length === expected.size) {
    throw notMeasurable(name, 'folder', warnings, 'Do the judgements and the corpus have the same ids?');
  }
  return warnings.map(({ message }) => message);
}

function describeOddities(
  queries: ReadonlyMap<string, string>,
  qrels: Qrels,
  conflicts: number,
  corpus: Corpus | null,
): readonly string[] {
  const missing = qrels.size - queries.size;
  const barren = [...qrels.values()].filter((ofQuery) => ![...ofQuery.values()].some((value) => value > 0));
  const counted: readonly (readonly [number, string])[] = [
    [missing, 'judged queries that are not in queries.jsonl and count as 0'],
    [barren.length, 'queries without a relevant document, which count as 0 (as trec_eval -c has it)'],
    [conflicts, 'judgements that contradict an earlier one of the same pair (the last counts)'],
    [corpus?.empty ?? 0, 'documents with neither title nor text, which are left out'],
  ];
  return counted.filter(([count]) => count > 0).map(([count, what]) => `${what}: ${String(count)}`);
}
