/** `plumbline query`: its options. */
import { Option, type Command } from 'commander';
import type { Context, Run } from '../context.js';
import { decimal, integer, recency } from '../options.js';
import { addRerankOptions, type RerankOptions } from '../rerank-options.js';

export interface QueryCommandOptions extends RerankOptions {
  readonly filter?: string;
  readonly mode?: 'hybrid' | 'vector' | 'keyword';
  readonly topK?: number;
  readonly offset?: number;
  readonly candidates?: number;
  readonly fusion?: 'tm2c2' | 'min_max' | 'rrf';
  readonly vectorWeight?: number;
  readonly rankConstant?: number;
  readonly recency?: ReturnType<typeof recency>;
  readonly minScore?: number;
  readonly group?: 'best' | 'merge';
  readonly neighbours?: number;
  readonly modelVersion?: string;
  readonly generation?: number;
  readonly efSearch?: number;
  readonly exact?: true;
  readonly explain?: true;
  readonly full?: true;
  readonly json?: true;
}

export interface WhyCommandOptions extends QueryCommandOptions {
  readonly document: string;
  readonly chunk?: string;
}

export function addQuery(program: Command, context: Context, run: Run): void {
  addQuestion(program.command('query'))
    .description('Ask a collection')
    .option('--explain', 'show how each score was made')
    .option('--full', 'show the whole chunks')
    .option('--json', 'print the answer as the REST API gives it')
    .action((collection: string, question: readonly string[], options: QueryCommandOptions) =>
      run(async () => {
        const { queryCommand } = await import('../query.js');
        return queryCommand(context, collection, question.join(' '), options);
      }),
    );

  addQuestion(program.command('why'))
    .description('Why a document is not among the hits: the stage that lost it')
    .requiredOption('--document <id>', 'the document that was expected')
    .option('--chunk <id>', 'and this passage of it')
    .option('--json', 'print the answer as the REST API gives it')
    .action((collection: string, question: readonly string[], options: WhyCommandOptions) =>
      run(async () => {
        const { whyCommand } = await import('../query.js');
        return whyCommand(context, collection, question.join(' '), options);
      }),
    );
}

/** The question, and everything that decides which hits it gets. */
function addQuestion(command: Command): Command {
  command
    .argument('<collection>', 'its name')
    .argument('<question...>', 'the question; quotes are not needed')
    .option('-f, --filter <json>', 'metadata filter, {"lang": "en", "year": {"$gte": 2020}}')
    .addOption(
      new Option('--mode <mode>', 'legs to ask (default: hybrid)').choices(['hybrid', 'vector', 'keyword']),
    )
    .option('-k, --top-k <n>', 'hits to show (default: 10)', integer(1))
    .option('--offset <n>', 'hits to pass over, for further pages', integer(0))
    .option('--candidates <n>', 'hits each leg contributes (default: 100)', integer(1))
    .addOption(
      new Option('--fusion <method>', 'how the legs are combined (default: tm2c2)').choices([
        'tm2c2',
        'min_max',
        'rrf',
      ]),
    )
    .option('--vector-weight <w>', 'weight of the vector leg, 0 to 1; the keyword leg has the rest', decimal)
    .option('--rank-constant <k>', 'k of rrf (default: 60)', integer(1))
    .option(
      '--recency <field:days:weight>',
      'prefer the new: date field, half-life in days, weight 0 to 1',
      recency,
    )
    .option('--min-score <score>', 'leave out hits below it', decimal);
  return addRerankOptions(command)
    .addOption(
      new Option('--group <how>', 'one hit a document: its best chunk, or all its chunks merged').choices([
        'best',
        'merge',
      ]),
    )
    .option('--neighbours <n>', 'also show chunks before and after each hit', integer(0))
    .option('--model-version <version>', 'refuse any other model than this')
    .option('--ef-search <n>', 'breadth of the index search', integer(1))
    .option('--generation <n>', 'ask this generation instead of the active one', integer(1))
    .option('--exact', 'compare every vector instead of using the index');
}
