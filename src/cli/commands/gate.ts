/** `plumbline gate` and `plumbline evalset`: is the new generation good enough? */
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { integer } from '../options.js';
import type { AuthorOptions } from './generations.js';
import { addGrow } from './grow.js';

export interface GateCommandOptions extends AuthorOptions {
  readonly generation?: number;
  readonly evalSet?: string;
  readonly policy?: string;
  readonly json?: string;
}

export interface AddSetOptions {
  readonly name?: string;
  readonly json?: true;
}

export function addGate(program: Command, context: Context, run: Run): void {
  const load = () => import('../gate.js');

  program
    .command('gate')
    .description('Ask the eval set of both generations; the new one may not be worse than the policy allows')
    .argument('<collection>')
    .option('--generation <n>', 'the one to judge (default: the one being built)', integer(1))
    .option('--eval-set <name>', 'which eval set (default: the only one)')
    .option('--policy <file>', 'JSON: metrics, max_drop, significance, max_drop_anyhow, max_latency_ratio, …')
    .option('--json <file>', 'write everything: both measurements, the comparison, the verdict')
    .option('--by <name>', 'who does it, for the history (default: the user of the system)')
    .option('--reason <text>', 'why, for the history')
    .addHelpText(
      'after',
      `
Default policy: ndcg@10, recall@10 and mrr@10 may not fall by more than 0.01 where that is significant
(paired randomisation test, p < 0.05), by more than 0.05 in no case; p95 may not double. Exit code 4
when the gate fails.`,
    )
    .action((collection: string, options: GateCommandOptions) =>
      run(async () => (await load()).gateCommand(context, collection, options)),
    );

  const sets = program
    .command('evalset')
    .description("A collection's own questions with what they should find");
  sets
    .command('add')
    .description('Keep a question file with the collection; one of the same name is replaced')
    .argument('<collection>')
    .argument(
      '<file>',
      'JSON lines: {"query": "…", "expected": [{"document": "…", "passage": "…"?, "grade": 1?}]}',
    )
    .option('--name <name>', "the set's name (default: the file's)")
    .option('--json', 'print JSON')
    .action((collection: string, file: string, options: AddSetOptions) =>
      run(async () => (await load()).addSetCommand(context, collection, file, options)),
    );
  addGrow(sets, context, run);
  sets
    .command('list')
    .description('Eval sets by name')
    .argument('<collection>')
    .option('--json', 'print JSON')
    .action((collection: string, options: { readonly json?: true }) =>
      run(async () => (await load()).listSetsCommand(context, collection, options.json === true)),
    );
  sets
    .command('show')
    .description('Print a set as the JSON lines it was made from')
    .argument('<collection>')
    .argument('<name>')
    .action((collection: string, name: string) =>
      run(async () => (await load()).showSetCommand(context, collection, name)),
    );
  sets
    .command('remove')
    .description('Forget a set')
    .argument('<collection>')
    .argument('<name>')
    .action((collection: string, name: string) =>
      run(async () => (await load()).removeSetCommand(context, collection, name)),
    );
}
