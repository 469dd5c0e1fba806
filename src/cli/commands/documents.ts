/** `plumbline documents`: what a collection holds. */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { integer } from '../options.js';

export interface ListCommandOptions {
  readonly filter?: string;
  readonly limit: number;
  readonly after?: string;
  readonly json?: true;
}

export interface DeleteCommandOptions {
  readonly filter?: string;
  readonly yes?: true;
}

export function addDocuments(program: Command, context: Context, run: Run): void {
  const documents = program.command('documents').description('See and delete the documents of a collection');
  const load = () => import('../documents.js');

  documents
    .command('list')
    .description('Documents by id')
    .argument('<collection>')
    .option('-f, --filter <json>', 'metadata filter')
    .option('--limit <n>', 'how many', integer(1), 50)
    .option('--after <id>', 'begin behind this id, for further pages')
    .option('--json', 'print JSON')
    .action((collection: string, options: ListCommandOptions) =>
      run(async () => (await load()).listCommand(context, collection, options)),
    );

  documents
    .command('get')
    .description('One document with its chunks')
    .argument('<collection>')
    .argument('<id>')
    .option('--json', 'print JSON')
    .action((collection: string, id: string, options: { readonly json?: true }) =>
      run(async () => (await load()).getCommand(context, collection, id, options.json === true)),
    );

  documents
    .command('count')
    .description('How many documents match')
    .argument('<collection>')
    .option('-f, --filter <json>', 'metadata filter')
    .option('--json', 'print JSON')
    .action((collection: string, options: { readonly filter?: string; readonly json?: true }) =>
      run(async () =>
        (await load()).countCommand(context, collection, options.filter, options.json === true),
      ),
    );

  documents
    .command('delete')
    .description('Delete one document, or all that match a filter')
    .argument('<collection>')
    .argument('[id]')
    .option('-f, --filter <json>', 'metadata filter; {} is refused')
    .option('--yes', 'with --filter: do it; without, it is only said how many would go')
    .action((collection: string, id: string | undefined, options: DeleteCommandOptions) =>
      run(async () => (await load()).deleteCommand(context, collection, id, options)),
    );
}
