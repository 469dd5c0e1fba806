/** `plumbline conformance`: its options. */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { decimal, integer } from '../options.js';

export interface ConformanceCommandOptions {
  readonly store?: string;
  readonly json?: string;
  readonly filters: number;
  readonly collections: number;
  readonly documentMb: number;
}

export function addConformance(program: Command, context: Context, run: Run, version: string): void {
  program
    .command('conformance')
    .description('Check on your own server that a store keeps every promise, and leave nothing there')
    .option('--store <url>', 'store to check, instead of PLUMBLINE_STORE_URL')
    .option('--json <file>', 'write the record of the run to this file')
    .option('--filters <n>', 'random filters to compare with the in-memory store', integer(1), 2000)
    .option('--collections <n>', 'collections to have at once', integer(1), 1000)
    .option('--document-mb <n>', 'size of the long document, in megabytes', decimal, 10)
    .addHelpText(
      'after',
      `
Everything is made in collections whose names begin with "conformance-" and a random word, and removed
in the end, also when it fails and on Ctrl-C; a second Ctrl-C ends at once and leaves them. The server
is busy meanwhile, for minutes. Exit code 1: a check failed.`,
    )
    .action((options: ConformanceCommandOptions) =>
      run(async () => {
        const { conformanceCommand } = await import('../conformance.js');
        return conformanceCommand(context, options, version);
      }),
    );
}
