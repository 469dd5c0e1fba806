/** What `plumbline gate` and `plumbline evalset` do. */
import { resolve } from 'node:path';
import { runGate } from '../../eval/gate/gate.js';
import { readPolicy } from '../../eval/gate/policy.js';
import { renderGate } from '../../eval/gate/render.js';
import { assertWritable } from '../../eval/outputs.js';
import { readQuestions } from '../../eval/questions.js';
import { writeJson } from '../../eval/record.js';
import { policySchema } from '../generations/gate.js';
import type { AddSetOptions, GateCommandOptions } from './commands/gate.js';
import { EXIT, printJson, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { createEvalProgressView } from './eval-progress.js';
import { authorOf } from './generations.js';
import { given } from './options.js';
import { table } from './table.js';
import { count, plural } from './text.js';
import { showWarnings } from './warnings.js';

/** @throws RetrievalError `invalid_request` for a policy that is none, and what the gate throws. */
export async function gateCommand(
  context: Context,
  collection: string,
  options: GateCommandOptions,
): Promise<ExitCode> {
  const { stdout, stderr, cwd, signal } = context;
  const policy =
    options.policy === undefined ? policySchema.parse({}) : await readPolicy(resolve(cwd, options.policy));
  const jsonPath = options.json === undefined ? undefined : resolve(cwd, options.json);
  if (jsonPath !== undefined) await assertWritable(jsonPath);
  return withRuntime(context, async (runtime) => {
    const progress = createEvalProgressView(stderr);
    let result;
    try {
      result = await runGate(runtime, {
        collection,
        policy,
        author: authorOf(options),
        signal,
        ...given({ generation: options.generation, evalSet: options.evalSet }),
        onProgress: ({ asked, questions }) => {
          progress.update({ stage: 'queries', done: asked, total: questions });
        },
      });
    } finally {
      progress.stop();
    }
    if (jsonPath !== undefined) await writeJson(jsonPath, result);
    for (const line of renderGate(result)) printLine(stdout, line);
    showWarnings(stderr, result.warnings);
    return result.passed ? EXIT.ok : EXIT.belowThreshold;
  });
}

/** @throws RetrievalError `invalid_data_set` naming the line of a question that is none. */
export async function addSetCommand(
  context: Context,
  collection: string,
  file: string,
  options: AddSetOptions,
): Promise<ExitCode> {
  const { stdout, stderr, cwd, signal } = context;
  const path = resolve(cwd, file);
  const { dataSet, questions } = await readQuestions(path, signal);
  const name = options.name ?? dataSet.name;
  return withRuntime(context, async (runtime) => {
    const kept = await runtime.evalSets.put(collection, { name, questions }, { signal });
    if (options.json === true) printJson(stdout, kept);
    else {
      printLine(
        stdout,
        `Eval set "${name}" of "${collection}" holds ${plural(questions.length, 'question')}.`,
      );
      showWarnings(stderr, kept.warnings);
    }
    return EXIT.ok;
  });
}

export function listSetsCommand(context: Context, collection: string, json: boolean): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const sets = await runtime.evalSets.list(collection, { signal });
    if (json) printJson(stdout, { eval_sets: sets });
    else {
      const rows = sets.map(({ name, questions, at }) => [
        name,
        count(questions),
        at.slice(0, 19).replace('T', ' '),
      ]);
      for (const line of table(['eval set', 'questions', 'since'], rows)) printLine(stdout, line);
    }
    return EXIT.ok;
  });
}

export function showSetCommand(context: Context, collection: string, name: string): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const { questions } = await runtime.evalSets.get(collection, name, { signal });
    for (const question of questions) printJson(stdout, question);
    return EXIT.ok;
  });
}

export function removeSetCommand(context: Context, collection: string, name: string): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    await runtime.evalSets.remove(collection, name, { signal });
    printLine(stdout, `Eval set "${name}" of "${collection}" is forgotten.`);
    return EXIT.ok;
  });
}
