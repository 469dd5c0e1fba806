/** `plumbline ingest`: its options. */
import { Option, type Command } from 'commander';
import type { JsonObject } from '../../model.js';
import type { Context, Run } from '../context.js';
import { integer, metadataPair } from '../options.js';

export interface IngestCommandOptions {
  readonly collection?: string;
  readonly embedder?: string;
  readonly metadata: JsonObject;
  readonly format?: 'markdown' | 'html' | 'text' | 'jsonl';
  readonly id?: string;
  readonly fileDates?: true;
  readonly maxBytes?: number;
  readonly prune?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addIngest(program: Command, context: Context, run: Run): void {
  program
    .command('ingest')
    .description('Read documents into a collection. Run again, it does only what has changed')
    .argument('<path...>', 'files, folders, globs in quotes, or - for standard input')
    .option('-c, --collection <name>', 'the collection')
    .option('-e, --embedder <name>', 'make the collection with this embedder when there is none')
    .option('-m, --metadata <name=value>', 'metadata of every document; repeat it for more', metadataPair, {})
    .addOption(
      new Option('--format <format>', 'read files so, whatever they are called').choices([
        'markdown',
        'html',
        'text',
        'jsonl',
      ]),
    )
    .option('--id <id>', 'id of the one document that standard input is (with a --format)')
    .option('--file-dates', 'the modified_at of a file that states none is that of the file')
    .option('--max-bytes <n>', 'largest file and longest line of JSONL (default: 64 MiB)', integer(1))
    .option('--prune', 'remove documents of the collection that were not read now')
    .option('--dry-run', 'show the chunks; embed and write nothing')
    .option('--json', 'print JSON: the summary, or with --dry-run a line for each chunk')
    .addHelpText(
      'after',
      `
Folders are searched for .md .markdown .mdx .html .htm .txt .text .jsonl .ndjson, the last two also
as .gz; hidden files and node_modules are left out unless named. A file's document id and source is
its path from the working folder.

Front matter of Markdown is metadata; title and source (or url) are the citation; created, date,
published are also created_at, and modified, updated, lastmod also modified_at.

A line of JSONL: {"id", "text", "title"?, "format"?, "source"?, "metadata"?}; "_id" and "content"
will do for "id" and "text", and any other member is metadata.

--metadata wins over what documents say. true, false, numbers and JSON lists are read as such, all
else is text; NAME:=JSON takes any JSON.

--prune looks at the whole collection: name everything that belongs in it. Nothing is removed when
something failed.`,
    )
    .action((paths: readonly string[], options: IngestCommandOptions) =>
      run(async () => {
        const { ingestCommand } = await import('../ingest.js');
        return ingestCommand(context, paths, options);
      }),
    );
}
