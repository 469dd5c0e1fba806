/** `plumbline eval`: its options. */
import { Option, type Command } from 'commander';
import type { Context, Run } from '../context.js';
import { addIndexOptions, type IndexOptions } from '../index-options.js';
import { decimal, integer } from '../options.js';

export interface EvalOptions extends IndexOptions {
  readonly split: string;
  readonly mode?: 'hybrid' | 'vector' | 'keyword';
  readonly fusion?: 'tm2c2' | 'min_max' | 'rrf';
  readonly vectorWeight?: number;
  readonly rankConstant?: number;
  readonly candidates?: number;
  readonly efSearch?: number;
  readonly exact?: true;
  readonly keepIdenticalIds?: true;
  readonly collection?: string;
  readonly embedder: string;
  readonly language?: 'english' | 'none';
  readonly metric?: 'cosine' | 'dot' | 'l2';
  readonly targetTokens?: number;
  readonly overlapTokens?: number;
  readonly fresh?: true;
  readonly json?: string;
  readonly run?: string;
  readonly html?: string;
}

export interface CompareOptions {
  readonly json?: string;
}

export function addEval(program: Command, context: Context, run: Run): void {
  const load = () => import('../eval.js');
  const command = program
    .command('eval')
    .description('Measure retrieval with questions whose answers are known')
    .argument('<folder>', 'a data set in the form of BEIR: corpus.jsonl(.gz), queries.jsonl, qrels/SPLIT.tsv')
    .option('--split <name>', 'the judgements to use: qrels/NAME.tsv', 'test')
    .addOption(
      new Option('--mode <mode>', 'legs to ask (default: hybrid)').choices(['hybrid', 'vector', 'keyword']),
    )
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
      '--candidates <n>',
      'hits each leg contributes (default: enough for a hundred documents)',
      integer(1),
    )
    .option('--ef-search <n>', 'breadth of the index search', integer(1))
    .option('--exact', 'compare every vector instead of using the index')
    .option('--keep-identical-ids', "count a document whose id is the question's own")
    .option('--collection <name>', 'measure this collection as it is; nothing is ingested')
    .option('-e, --embedder <name>', 'model of the collection that is made for the data set', 'minilm-l6')
    .addOption(
      new Option('--language <language>', 'its stemming and stop words (default: english)').choices([
        'english',
        'none',
      ]),
    )
    .addOption(
      new Option('--metric <metric>', 'of its vectors (default: cosine)').choices(['cosine', 'dot', 'l2']),
    )
    .option(
      '--target-tokens <n>',
      'tokens a chunk aims at (default: 400, or 4/5 of what the model reads)',
      integer(1),
    )
    .option('--overlap-tokens <n>', 'tokens repeated from the chunk before (default: 50)', integer(0));
  addIndexOptions(command)
    .option('--fresh', 'ingest anew, even if an earlier evaluation left the collection')
    .option('--json <file>', 'write the record: metrics, each question, settings, pin, commit')
    .option('--run <file>', 'write the rankings as a TREC run file')
    .option('--html <file>', 'write a report as one page that needs no network')
    .action((folder: string, options: EvalOptions) =>
      run(async () => (await load()).evalCommand(context, folder, options)),
    );

  command
    .command('compare')
    .description('Compare two records, question by question, with a test of significance')
    .argument('<a>', 'a file that --json wrote: before')
    .argument('<b>', 'another: after')
    .option('--json <file>', 'write the comparison')
    // `--json` is also the parent's; what stands behind `compare` is this command's.
    .action((a: string, b: string, _options: CompareOptions, own: Command) =>
      run(async () => (await load()).compareCommand(context, a, b, own.optsWithGlobals<CompareOptions>())),
    );
}
