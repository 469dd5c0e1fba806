/** `plumbline ingest`: its options. */
import { Option, type Command } from 'commander';
import type { NewChunker } from '../../catalog/types.js';
import type { JsonObject } from '../../model.js';
import { chunker } from '../chunker-options.js';
import type { Context, Run } from '../context.js';
import type { DeleteCeiling } from '../../ingest/types.js';
import { deleteCeiling, integer, metadataPair } from '../options.js';

export interface IngestCommandOptions {
  readonly collection?: string;
  readonly embedder?: string;
  readonly chunker?: NewChunker;
  readonly metadata: JsonObject;
  readonly format?: 'markdown' | 'html' | 'text' | 'jsonl';
  readonly id?: string;
  readonly fileDates?: true;
  readonly maxBytes?: number;
  readonly prune?: true;
  readonly maxDelete?: DeleteCeiling;
  readonly force?: true;
  readonly s3Tags?: true;
  readonly follow?: string;
  /** False with --no-sync. */
  readonly sync?: boolean;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addIngest(program: Command, context: Context, run: Run): void {
  program
    .command('ingest')
    .description('Read documents into a collection. Run again, it does only what has changed')
    .argument('<path...>', 'files, folders, globs in quotes, s3://BUCKET/KEY, or - for standard input')
    .option('-c, --collection <name>', 'the collection')
    .option('-e, --embedder <name>', 'make the collection with this embedder when there is none')
    .option(
      '--chunker <chunker>',
      'with --embedder: how the new collection cuts documents, fixed:300/50',
      chunker,
    )
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
    .option(
      '--max-delete <n>',
      'refuse to --prune more: a number, or 10% of the collection (default: 10% with s3://)',
      deleteCeiling,
    )
    .option('--force', '--prune however much it removes')
    .option('--s3-tags', "take objects' tags as metadata; costs a call for each object, each time")
    .option('--follow <queue-url>', 'then go on with the S3 events of this SQS queue until told to stop')
    .option('--no-sync', 'with --follow: do not read all objects first')
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

s3://BUCKET/FOLDER/ is searched as a folder is, s3://BUCKET/PREFIX* is all keys that begin so; an
object's document id is its s3:// URL. KEY.metadata.json holds the metadata of KEY, as in Amazon
Bedrock's knowledge bases. Objects that have not changed are not read.

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
