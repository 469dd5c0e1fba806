/** `plumbline reembed`, `generations`, `activate`, `rollback`, `gc`, `history`: changing a model. */
import type { Command } from 'commander';
import { addChunkerOptions, type ChunkerOptions } from '../chunker-options.js';
import type { Context, Run } from '../context.js';
import { addIndexOptions, type IndexOptions } from '../index-options.js';
import { decimal, integer } from '../options.js';

export interface AuthorOptions {
  readonly by?: string;
  readonly reason?: string;
}

export interface ReembedOptions extends IndexOptions, ChunkerOptions, AuthorOptions {
  readonly embedder?: string;
  readonly generation?: number;
  readonly json?: true;
}

export interface ActivateOptions extends AuthorOptions {
  readonly generation: number;
  readonly force?: true;
  readonly json?: true;
}

export interface RollbackOptions extends AuthorOptions {
  readonly json?: true;
}

export interface GarbageOptions extends AuthorOptions {
  readonly days: number;
  readonly generation?: number;
}

export function addGenerations(program: Command, context: Context, run: Run): void {
  const load = () => import('../generations.js');

  addAuthor(addChunkerOptions(addIndexOptions(program.command('reembed'))))
    .description('Embed a collection anew, beside the generation that answers; it answers on meanwhile')
    .argument('<collection>')
    .option('-e, --embedder <name>', "the new model (default: the active generation's)")
    .option('--generation <n>', 'go on with this one instead of starting one', integer(1))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A build that was stopped goes on when the command is run again. What is built answers only after
"plumbline gate" and "plumbline activate".`,
    )
    .action((collection: string, options: ReembedOptions) =>
      run(async () => (await load()).reembedCommand(context, collection, options)),
    );

  program
    .command('generations')
    .description("A collection's generations: model, size, what is missing, the latest gate")
    .argument('<collection>')
    .option('--json', 'print JSON')
    .action((collection: string, options: { readonly json?: true }) =>
      run(async () => (await load()).listCommand(context, collection, options.json === true)),
    );

  addAuthor(program.command('activate'))
    .description('Let a generation answer from now on; its gate has to be passed')
    .argument('<collection>')
    .requiredOption('--generation <n>', 'which one', integer(1))
    .option('--force', 'without a passed gate; needs a --reason, which is kept')
    .option('--json', 'print JSON')
    .action((collection: string, options: ActivateOptions) =>
      run(async () => (await load()).activateCommand(context, collection, options)),
    );

  addAuthor(program.command('rollback'))
    .description('Let the generation answer again that did before')
    .argument('<collection>')
    .option('--json', 'print JSON')
    .action((collection: string, options: RollbackOptions) =>
      run(async () => (await load()).rollbackCommand(context, collection, options)),
    );

  addAuthor(program.command('gc'))
    .description('Drop generations that were retired long enough ago')
    .argument('<collection>')
    .option('--days <n>', 'retired at least so many days ago', decimal, 7)
    .option('--generation <n>', 'drop this one, whatever its age; also one that is being built', integer(1))
    .action((collection: string, options: GarbageOptions) =>
      run(async () => (await load()).garbageCommand(context, collection, options)),
    );

  program
    .command('history')
    .description('Who changed what of a collection, the latest first')
    .argument('<collection>')
    .option('--limit <n>', 'how many entries', integer(1), 50)
    .option('--json', 'print JSON')
    .action((collection: string, options: { readonly limit: number; readonly json?: true }) =>
      run(async () => (await load()).historyCommand(context, collection, options)),
    );
}

function addAuthor(command: Command): Command {
  return command
    .option('--by <name>', 'who does it, for the history (default: the user of the system)')
    .option('--reason <text>', 'why, for the history');
}
