/** `plumbline doctor`: its options. */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';

export interface DoctorCommandOptions {
  readonly store?: string;
  readonly bedrock?: true;
  readonly json?: true;
}

export function addDoctor(program: Command, context: Context, run: Run): void {
  program
    .command('doctor')
    .description('Look at the server, its settings and rights, the collections and the models')
    .option('--store <url>', 'store to look at, instead of PLUMBLINE_STORE_URL')
    .option(
      '--bedrock',
      'ask each configured embedder on Amazon Bedrock for one vector, which costs a few tokens',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Nothing is changed: what has to be allowed is tried under a name of its own, and undone. A store is
opened only where its schema is up to date. Exit code 1: there is a problem; warnings are none.`,
    )
    .action((options: DoctorCommandOptions) =>
      run(async () => {
        const { doctorCommand } = await import('../doctor.js');
        return doctorCommand(context, options);
      }),
    );
}
