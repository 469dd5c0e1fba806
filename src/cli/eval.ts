/** What `plumbline eval` does. */
import { resolve } from 'node:path';
import { runCompare, runEval, type EvalCommandOptions } from '../../eval/cli.js';
import { finishRun } from '../../eval/finish.js';
import { assertWritable } from '../../eval/outputs.js';
import { runReport } from '../../eval/report/command.js';
import { runSweepCommand } from '../../eval/sweep/command.js';
import { RetrievalError } from '../errors.js';
import { chunkerOf } from './chunker-options.js';
import type { CompareOptions, EvalOptions, ReportOptions } from './commands/eval.js';
import { EXIT, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { createEvalProgressView } from './eval-progress.js';
import { indexOf } from './index-options.js';
import { given } from './options.js';
import { rerankOf } from './rerank-options.js';
import { showWarnings } from './warnings.js';

/** @throws RetrievalError `invalid_data_set`, `invalid_request`, and all that ingest and retrieve throw. */
export async function evalCommand(
  context: Context,
  folder: string | undefined,
  options: EvalOptions,
): Promise<ExitCode> {
  const { stdout, stderr, cwd, signal } = context;
  const path = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(cwd, file);
  const index = indexOf(options);
  assertNoOwnSettings(options, index !== undefined);
  const chunker = chunkerOf(options);
  const fusion = given({
    method: options.fusion,
    vector_weight: options.vectorWeight,
    rank_constant: options.rankConstant,
  });
  assertSweepOptions(options);
  const junitPath = path(options.junit);
  if (junitPath !== undefined) await assertWritable(junitPath);
  return withRuntime(context, async (runtime) => {
    const progress = createEvalProgressView(stderr);
    const output = (line: string): void => {
      progress.stop();
      printLine(stdout, line);
    };
    const runsPath = path(options.runs);
    try {
      const settings: EvalCommandOptions = {
        split: options.split,
        embedder: options.embedder,
        ...given({
          folder: path(folder),
          questions: path(options.questions),
          evalSet: options.evalSet,
          mode: options.mode,
          fusion: Object.keys(fusion).length === 0 ? undefined : fusion,
          candidates: options.candidates,
          efSearch: options.efSearch,
          exact: options.exact,
          rerank: rerankOf(options),
          ignoreIdenticalIds: options.keepIdenticalIds === true ? false : undefined,
          collection: options.collection,
          generation: options.generation,
          language: options.language,
          metric: options.metric,
          index,
          chunker: Object.keys(chunker).length === 0 ? undefined : chunker,
          fresh: options.fresh,
          texts: options.texts,
          jsonPath: path(options.json),
          runPath: path(options.run),
          htmlPath: path(options.html),
        }),
        onProgress: (now) => {
          progress.update(now);
        },
        output,
        onWarning: (message) => {
          progress.stop();
          showWarnings(stderr, [{ message }]);
        },
        signal,
      };
      const { sweep, by, tuneOn, reportOn } = options;
      const record =
        sweep === undefined
          ? await runEval(runtime, settings)
          : await runSweepCommand(runtime, {
              ...settings,
              sweep,
              by,
              ...given({ tuneOn, reportOn, runsPath }),
            });
      const isGood = await finishRun(record, {
        thresholds: options.failUnder ?? [],
        output,
        // A sweep has kept them one by one.
        ...given({ junitPath, runsPath: sweep === undefined ? runsPath : undefined }),
      });
      return isGood ? EXIT.ok : EXIT.belowThreshold;
    } finally {
      progress.stop();
    }
  });
}

/** @throws RetrievalError `invalid_request` for files that cannot be read or be shown together. */
export async function reportCommand(
  context: Context,
  paths: readonly string[],
  { html, by = 'ndcg@10' }: Partial<ReportOptions>,
): Promise<ExitCode> {
  const { stdout, cwd } = context;
  if (html === undefined) {
    throw new RetrievalError('invalid_request', 'Say where the page goes: --html FILE', { field: 'html' });
  }
  await runReport({
    paths: paths.map((path) => resolve(cwd, path)),
    htmlPath: resolve(cwd, html),
    by,
    output: (line) => {
      printLine(stdout, line);
    },
  });
  return EXIT.ok;
}

function assertSweepOptions({ sweep, tuneOn, reportOn }: EvalOptions): void {
  if (sweep !== undefined || (tuneOn === undefined && reportOn === undefined)) return;
  throw new RetrievalError('invalid_request', '--tune-on and --report-on are for a --sweep', {
    field: 'sweep',
  });
}

export async function compareCommand(
  context: Context,
  a: string,
  b: string,
  options: CompareOptions,
): Promise<ExitCode> {
  const { stdout, cwd } = context;
  await runCompare({
    a: resolve(cwd, a),
    b: resolve(cwd, b),
    ...given({ jsonPath: options.json === undefined ? undefined : resolve(cwd, options.json) }),
    output: (line) => {
      printLine(stdout, line);
    },
  });
  return EXIT.ok;
}

/** A collection that is measured as it is has its settings already. */
function assertNoOwnSettings(options: EvalOptions, hasIndex: boolean): void {
  if (options.collection === undefined) return;
  const settings = [
    options.language,
    options.metric,
    options.chunker,
    options.targetTokens,
    options.overlapTokens,
    options.fresh,
  ];
  if (!hasIndex && settings.every((value) => value === undefined)) return;
  throw new RetrievalError(
    'invalid_request',
    '--collection measures a collection as it is; leave out --fresh and the settings of a new one',
    { field: 'collection' },
  );
}
