/** What `plumbline eval` and `plumbline eval compare` do, as functions of plain options. */
import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RetrievalError } from '../src/errors.js';
import type { QueryInput } from '../src/retrieval/schema.js';
import type { Runtime } from '../src/runtime-types.js';
import type { OwnCollection, Target } from './collection.js';
import { compareRecords, type Comparison } from './compare.js';
import { loadDataSet } from './dataset.js';
import { readRecord, writeJson, type EvalRecord } from './record.js';
import { renderReport } from './report/page.js';
import { evaluate, type EvalProgress } from './run.js';
import { renderComparison, renderRecord } from './tables.js';
import { writeRun } from './trec.js';

export interface EvalCommandOptions extends OwnCollection {
  /** The data set's folder, in BEIR's form. */
  readonly folder: string;
  readonly split: string;
  readonly mode?: NonNullable<QueryInput['mode']>;
  readonly fusion?: NonNullable<QueryInput['fusion']>;
  readonly candidates?: number;
  readonly efSearch?: number;
  readonly exact?: boolean;
  readonly ignoreIdenticalIds?: boolean;
  /** Measure this existing collection as it is; nothing is ingested and no corpus is needed. */
  readonly collection?: string;
  /** Delete the collection of an earlier evaluation and ingest again. */
  readonly fresh?: boolean;
  readonly jsonPath?: string;
  readonly runPath?: string;
  readonly htmlPath?: string;
  readonly output: (line: string) => void;
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

  const target = targetOf(options);
  const dataSet = await loadDataSet(options.folder, {
    split: options.split,
    corpus: target.kind === 'own',
    ...(signal === undefined ? {} : { signal }),
  });
  const { record, run } = await evaluate(runtime, dataSet, {
    target,
    query: {
      ...(options.mode === undefined ? {} : { mode: options.mode }),
      ...(options.fusion === undefined ? {} : { fusion: options.fusion }),
      ...(options.candidates === undefined ? {} : { candidates: options.candidates }),
      ...(options.efSearch === undefined ? {} : { ef_search: options.efSearch }),
      ...(options.exact === undefined ? {} : { exact: options.exact }),
    },
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

function targetOf(options: EvalCommandOptions): Target {
  const { embedder, language, metric, index, chunker } = options;
  if (options.collection !== undefined) return { kind: 'existing', collection: options.collection };
  return {
    kind: 'own',
    fresh: options.fresh ?? false,
    settings: {
      embedder,
      ...(language === undefined ? {} : { language }),
      ...(metric === undefined ? {} : { metric }),
      ...(index === undefined ? {} : { index }),
      ...(chunker === undefined ? {} : { chunker }),
    },
  };
}

/** A measurement may take an hour; a mistyped path must not cost it. */
async function assertWritable(path: string): Promise<void> {
  await writing(path, access(dirname(path), constants.W_OK));
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) {
    throw new RetrievalError('invalid_request', `${path} is a folder, not a file`, { field: path });
  }
}

async function writing(path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new RetrievalError(
      'invalid_request',
      `${path} cannot be written; is its folder there and writable?`,
      {
        field: path,
        cause: error,
      },
    );
  }
}
