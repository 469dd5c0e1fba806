/** The command line as commander knows it. Commands load what they need when they run. */
import { Command } from 'commander';
import { addAnswer } from './commands/answer.js';
import { addCollections } from './commands/collections.js';
import { addConformance } from './commands/conformance.js';
import { addDoctor } from './commands/doctor.js';
import { addDocuments } from './commands/documents.js';
import { addEval } from './commands/eval.js';
import { addGate } from './commands/gate.js';
import { addGenerations } from './commands/generations.js';
import { addIngest } from './commands/ingest.js';
import { addKb } from './commands/kb.js';
import { addKeys } from './commands/keys.js';
import { addQuery } from './commands/query.js';
import { addServe } from './commands/serve.js';
import type { Context, Run } from './context.js';

export function createProgram(context: Context, run: Run, version: string): Command {
  const program = new Command('plumbline')
    .description('A RAG retrieval service: structured chunks, pinned models, hybrid search, measured recall.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.stream.write(text),
      writeErr: (text) => context.stderr.stream.write(text),
      getOutHelpWidth: () => context.stdout.columns,
      getErrHelpWidth: () => context.stderr.columns,
      getOutHasColors: () => context.stdout.hasColour,
      getErrHasColors: () => context.stderr.hasColour,
      outputError: () => {
        // Shown with all other errors, in one way.
      },
    })
    .addHelpText(
      'after',
      `
Settings are environment variables; PLUMBLINE_STORE_URL says where collections live.
Exit codes: 0 done, 1 some documents failed, 2 the call was wrong, 3 the service or a backend
failed, 4 measured below a --fail-under, 130 interrupted.`,
    );
  for (const add of [
    addIngest,
    addQuery,
    addAnswer,
    addServe,
    addCollections,
    addDocuments,
    addEval,
    addGenerations,
    addGate,
    addKb,
    addKeys,
    addConformance,
    addDoctor,
  ]) {
    add(program, context, run, version);
  }
  return program;
}
