/** `plumbline serve`: its options. */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { integer } from '../options.js';

export interface ServeCommandOptions {
  readonly host?: string;
  readonly port?: number;
}

export function addServe(program: Command, context: Context, run: Run, version: string): void {
  program
    .command('serve')
    .description('Serve the REST API')
    .option('--host <address>', 'address to bind, instead of PLUMBLINE_HOST')
    .option('--port <n>', 'port to bind, instead of PLUMBLINE_PORT; 0 for any that is free', integer(0))
    .addHelpText(
      'after',
      `
Any address but this machine's own is refused unless there are API keys: plumbline keys create.
The reference of the API is at /docs, its description at /openapi.json. On SIGTERM and SIGINT running
requests are finished first; a second signal ends at once.`,
    )
    .action((options: ServeCommandOptions) =>
      run(async () => {
        const { serveCommand } = await import('../serve.js');
        return serveCommand(context, options, version);
      }),
    );
}
