/** What `plumbline eval` and `plumbline eval compare` do, as functions of plain options. */
import { writeFile } from 'node:fs/promises';
import { RetrievalError } from '../src/errors.js';
import type { QueryInput } from '../src/retrieval/schema.js';
import type { Runtime } from '../src/runtime-types.js';
import type { OwnCollection, Target } from './collection.js';
import { compareRecords, type Comparison } from './compare.js';
import { loadDataSet, type DataSet } from './dataset.js';
import { checkDataSet, type QuestionsField } from './expected.js';
import { assertWritable, writing } from './outputs.js';
import { loadQuestions } from './questions.js';
import { readRecord, writeJson, type EvalRecord } from './record.js';
import { renderReport } from './report/page.js';
import { evaluate, type EvalProgress } from './run.js';
import { loadEvalSet } from './stored-questions.js';
import type { SweptQuery } from './sweep/grid.js';
import { renderComparison, renderRecord, warningsOf } from './tables.js';
import { writeRun } from './trec.js';

export interface EvalCommandOptions extends OwnCollection {
  /** The data set's folder, in BEIR's form. Either this or `questions`. */
  readonly folder?: string;
  /** A file of questions, for an existing collection. */
  readonly questions?: string;
  /** An eval set that the collection keeps; the only one, where a collection is named and nothing to ask. */
  readonly evalSet?: string;
  readonly split: string;
  readonly mode?: NonNullable<QueryInput['mode']>;
  readonly fusion?: NonNullable<QueryInput['fusion']>;
  readonly candidates?: number;
  readonly efSearch?: number;
  readonly exact?: boolean;
  readonly rerank?: NonNullable<QueryInput['rerank']>;
  readonly ignoreIdenticalIds?: boolean;
  /** Measure this existing collection as it is; nothing is ingested and no corpus is needed. */
  readonly collection?: string;
  /** And of it this generation instead of the active one. */
  readonly generation?: number;
  /** Delete the collection of an earlier evaluation and ingest again. */
  readonly fresh?: boolean;
  /** Keep questions and titles in the record, for a report. */
  readonly texts?: boolean;
  readonly jsonPath?: string;
  readonly runPath?: string;
  readonly htmlPath?: string;
  readonly output: (line: string) => void;
  /** What a reader of the numbers has to know; also in the record. */
  readonly onWarning?: (message: string) => void;
  readonly onProgress?: (progress: EvalProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Measures, prints a table, and writes the files asked for.
 * @throws RetrievalError `invalid_data_set`; `invalid_request` for a file that cannot be written,
 * found out before anything is ingested; and all that ingest and retrieve throw.
 */
export async function runEval(runtime: Runtime, options: EvalCommandOptions): Promise<EvalRecord> {
  const { jsonPath, runPath, htmlPath, output, signal } = options;
  for (const path of [jsonPath, runPath, htmlPath]) if (path !== undefined) await assertWritable(path);

  const target = targetOf(options, ownOf(options));
  const dataSet = await loadJudged(runtime, options);
  const { record, run } = await evaluate(runtime, dataSet, {
    target,
    query: queryOf(options),
    ...(options.texts === undefined ? {} : { texts: options.texts }),
    ...(options.ignoreIdenticalIds === undefined ? {} : { ignoreIdenticalIds: options.ignoreIdenticalIds }),
    ...(signal === undefined ? {} : { signal }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });

  if (jsonPath !== undefined) await writing(jsonPath, writeJson(jsonPath, record));
  if (runPath !== undefined)
    await writing(runPath, writeRun(runPath, run, `plumbline-${record.settings.mode}`));
  if (htmlPath !== undefined) {
    await writing(htmlPath, writeFile(htmlPath, renderReport(record, dataSet.queries)));
  }
  for (const line of renderRecord(record)) output(line);
  for (const message of warningsOf(record)) options.onWarning?.(message);
  return record;
}

export interface CompareCommandOptions {
  /** Two files that `runEval` wrote as JSON. */
  readonly a: string;
  readonly b: string;
  readonly jsonPath?: string;
  readonly output: (line: string) => void;
}

/** @throws RetrievalError `invalid_request` for files that are no records or cannot be compared. */
export async function runCompare(options: CompareCommandOptions): Promise<Comparison> {
  const { jsonPath } = options;
  if (jsonPath !== undefined) await assertWritable(jsonPath);
  const comparison = compareRecords(await readRecord(options.a), await readRecord(options.b));
  if (jsonPath !== undefined) await writing(jsonPath, writeJson(jsonPath, comparison));
  for (const line of renderComparison(comparison)) options.output(line);
  return comparison;
}

/**
 * The questions that the options name, of another split where one is given, held against the
 * collection that is there to be asked.
 * @throws RetrievalError `invalid_data_set`, also where nothing that is expected is there; `invalid_request` when they name none, or several kinds;
 * `not_found` for an eval set that the collection does not have.
 */
export async function loadJudged(
  runtime: Pick<Runtime, 'evalSets' | 'catalog' | 'managed'>,
  options: Pick<EvalCommandOptions, 'folder' | 'questions' | 'evalSet' | 'collection' | 'split' | 'signal'>,
  split = options.split,
): Promise<DataSet> {
  const { folder, questions, evalSet, collection, signal } = options;
  const call = signal === undefined ? {} : { signal };
  if ([folder, questions, evalSet].filter((given) => given !== undefined).length > 1) {
    throw invalidQuestions('name one of a folder, --questions and --eval-set');
  }
  const check = async (field: QuestionsField, asked: string, dataSet: DataSet): Promise<DataSet> =>
    (await checkDataSet(runtime, asked, dataSet, field, call)).dataSet;
  if (folder !== undefined) {
    const dataSet = await loadDataSet(folder, { split, corpus: collection === undefined, ...call });
    return collection === undefined ? dataSet : check('folder', collection, dataSet);
  }
  if (collection === undefined) {
    throw invalidQuestions(
      questions === undefined && evalSet === undefined
        ? 'name the folder of a data set, or the --collection that keeps an eval set'
        : `${questions === undefined ? '--eval-set' : '--questions'} needs the --collection to ask`,
    );
  }
  return questions === undefined
    ? check('eval_set', collection, await loadEvalSet(runtime, collection, evalSet, call))
    : check('questions', collection, await loadQuestions(questions, signal));
}

function invalidQuestions(problem: string): RetrievalError {
  return new RetrievalError('invalid_request', `What is to be asked is not clear: ${problem}`, {
    field: 'questions',
  });
}

/** What every question is asked with. */
export function queryOf(options: EvalCommandOptions): SweptQuery {
  return {
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.fusion === undefined ? {} : { fusion: options.fusion }),
    ...(options.candidates === undefined ? {} : { candidates: options.candidates }),
    ...(options.efSearch === undefined ? {} : { ef_search: options.efSearch }),
    ...(options.exact === undefined ? {} : { exact: options.exact }),
    ...(options.rerank === undefined ? {} : { rerank: options.rerank }),
  };
}

/** How the data set's own collection is made. */
export function ownOf({ embedder, language, metric, index, chunker }: OwnCollection): OwnCollection {
  return {
    embedder,
    ...(language === undefined ? {} : { language }),
    ...(metric === undefined ? {} : { metric }),
    ...(index === undefined ? {} : { index }),
    ...(chunker === undefined ? {} : { chunker }),
  };
}

/** @throws RetrievalError `invalid_request` for a generation of no collection */
export function targetOf(
  { collection, generation, fresh }: Pick<EvalCommandOptions, 'collection' | 'generation' | 'fresh'>,
  settings: OwnCollection,
): Target {
  if (collection === undefined) {
    if (generation === undefined) return { kind: 'own', fresh: fresh ?? false, settings };
    throw new RetrievalError('invalid_request', '--generation is one of a --collection; name it', {
      field: 'generation',
    });
  }
  return { kind: 'existing', collection, ...(generation === undefined ? {} : { generation }) };
}
