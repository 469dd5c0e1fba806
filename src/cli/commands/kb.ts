/** `plumbline kb`: what only knowledge bases have. */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';

export interface SyncCommandOptions {
  readonly dataSource: string;
  readonly job?: string;
  readonly json?: true;
}

export function addKb(program: Command, context: Context, run: Run): void {
  const kb = program.command('kb').description('Bedrock knowledge bases of PLUMBLINE_KNOWLEDGE_BASES_FILE');
  kb.command('sync')
    .description('Bring a knowledge base up to date with a data source, and follow the job')
    .argument('<name>', 'the knowledge base, as the file names it')
    .requiredOption('--data-source <id>', 'the data source, ten letters and digits')
    .option('--job <id>', 'follow this job, which runs already, instead of starting one')
    .option('--json', 'print a line of JSON each time something has changed')
    .addHelpText(
      'after',
      `
Ctrl-C ends the following, not the job. Exit code 1: the job has ended, and some documents failed.`,
    )
    .action((name: string, options: SyncCommandOptions) =>
      run(async () => {
        const { syncCommand } = await import('../kb.js');
        return syncCommand(context, name, options);
      }),
    );
}
