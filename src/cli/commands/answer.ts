/** `plumbline answer`: its options. */
import { Option, type Command } from 'commander';
import type { Context, Run } from '../context.js';
import { decimal, integer } from '../options.js';
import { addRerankOptions, type RerankOptions } from '../rerank-options.js';

export interface AnswerCommandOptions extends RerankOptions {
  readonly filter?: string;
  readonly mode?: 'hybrid' | 'vector' | 'keyword';
  readonly topK?: number;
  readonly minScore?: number;
  readonly model?: string;
  readonly maxTokens?: number;
  readonly promptTokens?: number;
  readonly temperature?: number;
  readonly json?: true;
}

export function addAnswer(program: Command, context: Context, run: Run): void {
  const command = program
    .command('answer')
    .description('Answer a question from a collection, with citations')
    .argument('<collection>', 'its name')
    .argument('<question...>', 'the question; quotes are not needed')
    .option('-f, --filter <json>', 'metadata filter, {"lang": "en", "year": {"$gte": 2020}}')
    .addOption(
      new Option('--mode <mode>', 'legs to ask (default: hybrid)').choices(['hybrid', 'vector', 'keyword']),
    )
    .option('-k, --top-k <n>', 'most passages that the model is given (default: 8)', integer(1))
    .option('--min-score <score>', 'leave out passages below it', decimal);
  addRerankOptions(command)
    .option('--model <id>', 'a model that Bedrock Converse takes, instead of PLUMBLINE_ANSWER_MODEL')
    .option('--max-tokens <n>', 'longest answer', integer(1))
    .option('--prompt-tokens <n>', 'room for the prompt', integer(1))
    .option('--temperature <t>', "0 to 1 (default: the model's own)", decimal)
    .option('--json', 'print the answer as the REST API gives it')
    .action((collection: string, question: readonly string[], options: AnswerCommandOptions) =>
      run(async () => {
        const { answerCommand } = await import('../answer.js');
        return answerCommand(context, collection, question.join(' '), options);
      }),
    );
}
