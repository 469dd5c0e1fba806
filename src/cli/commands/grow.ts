/** `plumbline evalset grow`: its options. */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { integer } from '../options.js';

export interface GrowOptions {
  readonly log?: string;
  readonly judgements?: string;
  readonly name?: string;
  readonly out?: string;
  readonly limit: number;
  readonly hits: number;
  readonly json?: true;
}

/** @param sets the command `evalset` */
export function addGrow(sets: Command, context: Context, run: Run): void {
  sets
    .command('grow')
    .description('Make an eval set of questions that were asked: first what is to be judged, then the set')
    .argument('<collection>')
    .option('--log <file>', 'the query log, as PLUMBLINE_QUERY_LOG has it written')
    .option(
      '--judgements <file>',
      'judgements to take up, as JSON lines or .tsv; without, they are asked for',
    )
    .option('--name <name>', "the set's name (default: the only one, or logged)")
    .option('--out <file>', 'where what is to be judged goes; .tsv for a table (default: the output)')
    .option('--limit <n>', 'questions to have judged', integer(1), 50)
    .option('--hits <n>', 'documents of each', integer(1), 10)
    .option('--json', 'with --judgements: print JSON')
    .addHelpText(
      'after',
      `
A judgement: {"query": "…", "document": "ID", "relevant": true}, or false, or 0 to 3. Questions asked
most come first, and of those the ones whose answer was least clear. Exit code 1: judgements that
contradict each other, or name documents that are not there, were left out; all others are taken.`,
    )
    .action((collection: string, options: GrowOptions) =>
      run(async () => (await import('../grow.js')).growCommand(context, collection, options)),
    );
}
