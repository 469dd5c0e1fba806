/** What `plumbline eval` does. */
import { resolve } from 'node:path';
import { runCompare, runEval } from '../../eval/cli.js';
import { RetrievalError } from '../errors.js';
import type { CompareOptions, EvalOptions } from './commands/eval.js';
import { EXIT, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { createEvalProgressView } from './eval-progress.js';
import { indexOf } from './index-options.js';
import { given } from './options.js';

/** @throws RetrievalError `invalid_data_set`, `invalid_request`, and all that ingest and retrieve throw. */
export function evalCommand(context: Context, folder: string, options: EvalOptions): Promise<ExitCode> {
  const { stdout, stderr, cwd, signal } = context;
  const path = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(cwd, file);
  const index = indexOf(options);
  assertNoOwnSettings(options, index !== undefined);
  const chunker = given({ targetTokens: options.targetTokens, overlapTokens: options.overlapTokens });
  const fusion = given({
    method: options.fusion,
    vector_weight: options.vectorWeight,
    rank_constant: options.rankConstant,
  });
  return withRuntime(context, async (runtime) => {
    const progress = createEvalProgressView(stderr);
    try {
      await runEval(runtime, {
        folder: resolve(cwd, folder),
        split: options.split,
        embedder: options.embedder,
        ...given({
          mode: options.mode,
          fusion: Object.keys(fusion).length === 0 ? undefined : fusion,
          candidates: options.candidates,
          efSearch: options.efSearch,
          exact: options.exact,
          ignoreIdenticalIds: options.keepIdenticalIds === true ? false : undefined,
          collection: options.collection,
          language: options.language,
          metric: options.metric,
          index,
          chunker: Object.keys(chunker).length === 0 ? undefined : chunker,
          fresh: options.fresh,
          jsonPath: path(options.json),
          runPath: path(options.run),
          htmlPath: path(options.html),
        }),
        onProgress: (now) => {
          progress.update(now);
        },
        output: (line) => {
          progress.stop();
          printLine(stdout, line);
        },
        signal,
      });
    } finally {
      progress.stop();
    }
    return EXIT.ok;
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
