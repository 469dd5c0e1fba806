/** `plumbline collections`: make, see and delete them. */
import { Option, type Command } from 'commander';
import type { FieldType } from '../../model.js';
import type { Context, Run } from '../context.js';
import { addChunkerOptions, type ChunkerOptions } from '../chunker-options.js';
import { addIndexOptions, type IndexOptions } from '../index-options.js';
import { fieldPair } from '../options.js';

export interface CreateCommandOptions extends IndexOptions, ChunkerOptions {
  readonly embedder: string;
  readonly field?: Readonly<Record<string, FieldType>>;
  readonly inferFields?: true;
  readonly language?: 'english' | 'none';
  readonly metric?: 'cosine' | 'dot' | 'l2';
  readonly json?: true;
}

export function addCollections(program: Command, context: Context, run: Run): void {
  const collections = program.command('collections').description('Make, see and delete collections');
  const load = () => import('../collections.js');

  collections
    .command('list')
    .description('All collections')
    .option('--json', 'print JSON')
    .action((options: { readonly json?: true }) =>
      run(async () => (await load()).listCommand(context, options.json === true)),
    );

  addChunkerOptions(addIndexOptions(collections.command('create')))
    .description('Make an empty collection')
    .argument('<name>', 'lower-case letters, digits, - and _')
    .requiredOption('-e, --embedder <name>', 'its model, for good')
    .option(
      '--field <name:type>',
      'a field that filters may use; repeat it for more (default: inferred)',
      fieldPair,
    )
    .option('--infer-fields', 'with --field: also add the fields that documents bring')
    .addOption(
      new Option('--language <language>', 'stemming and stop words (default: english)').choices([
        'english',
        'none',
      ]),
    )
    .addOption(
      new Option('--metric <metric>', 'of vectors (default: cosine)').choices(['cosine', 'dot', 'l2']),
    )
    .option('--json', 'print JSON')
    .action((name: string, options: CreateCommandOptions) =>
      run(async () => (await load()).createCommand(context, name, options)),
    );

  collections
    .command('describe')
    .description('One collection: its fields, model, index and size')
    .argument('<name>')
    .option('--json', 'print JSON')
    .action((name: string, options: { readonly json?: true }) =>
      run(async () => (await load()).describeCommand(context, name, options.json === true)),
    );

  collections
    .command('delete')
    .description('Delete a collection with all its documents')
    .argument('<name>')
    .option('--yes', 'do it; without, it is only said what would go')
    .action((name: string, options: { readonly yes?: true }) =>
      run(async () => (await load()).deleteCommand(context, name, options.yes === true)),
    );
}
