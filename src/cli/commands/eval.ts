/** `plumbline eval`: its options. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { METRICS, type Metric } from '../../../eval/measures.js';
import { DIMENSIONS } from '../../../eval/sweep/dimensions.js';
import { parseThreshold, type Threshold } from '../../../eval/thresholds.js';
import { RetrievalError } from '../../errors.js';
import { addChunkerOptions, type ChunkerOptions } from '../chunker-options.js';
import type { Context, Run } from '../context.js';
import { addIndexOptions, type IndexOptions } from '../index-options.js';
import { decimal, integer } from '../options.js';
import { addRerankOptions, type RerankOptions } from '../rerank-options.js';

export interface EvalOptions extends IndexOptions, ChunkerOptions, RerankOptions {
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
  readonly fresh?: true;
  readonly json?: string;
  readonly run?: string;
  readonly html?: string;
  readonly questions?: string;
  readonly evalSet?: string;
  readonly generation?: number;
  readonly texts?: true;
  readonly sweep?: readonly string[];
  readonly by: Metric;
  readonly tuneOn?: string;
  readonly reportOn?: string;
  readonly runs?: string;
  readonly failUnder?: readonly Threshold[];
  readonly junit?: string;
}

export interface ReportOptions {
  readonly html: string;
  readonly by: Metric;
}

export interface CompareOptions {
  readonly json?: string;
}

const HELP = `
A line of --questions: {"query": "…", "expected": [{"document": "ID", "passage": "…"?, "grade": 1?}], "id"?}.
A passage is found where a hit holds it, wherever chunks begin and end.

A sweep: plumbline eval DIR --sweep chunker=structure,semantic,fixed:300/50 --sweep vector_weight=0.6,0.8
  --tune-on train --report-on test --html sweep.html`;

function byOption(description: string): Option {
  return new Option('--by <measure>', description).choices([...METRICS]).default('ndcg@10');
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function threshold(text: string, before: readonly Threshold[] = []): readonly Threshold[] {
  try {
    return [...before, parseThreshold(text)];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof RetrievalError ? error.message : 'It is no threshold.');
  }
}

export function addEval(program: Command, context: Context, run: Run): void {
  const load = () => import('../eval.js');
  const command = program
    .command('eval')
    .description('Measure retrieval with questions whose answers are known')
    .argument('[folder]', 'a data set in the form of BEIR: corpus.jsonl(.gz), queries.jsonl, qrels/SPLIT.tsv')
    .option('--questions <file>', 'instead of a folder: questions as JSON lines, for --collection')
    .option('--eval-set <name>', 'or: an eval set of --collection (default: the only one)')
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
    .option('--generation <n>', 'and of it this generation instead of the active one', integer(1))
    .option('-e, --embedder <name>', 'model of the collection that is made for the data set', 'minilm-l6')
    .addOption(
      new Option('--language <language>', 'its stemming and stop words (default: english)').choices([
        'english',
        'none',
      ]),
    )
    .addOption(
      new Option('--metric <metric>', 'of its vectors (default: cosine)').choices(['cosine', 'dot', 'l2']),
    );
  addRerankOptions(addIndexOptions(addChunkerOptions(command)))
    .option('--fresh', 'ingest anew, even if an earlier evaluation left the collection')
    .option('--json <file>', 'write the record: metrics, each question, settings, pin, commit')
    .option('--run <file>', 'write the rankings as a TREC run file')
    .option('--html <file>', 'write a report as one page that needs no network')
    .option('--texts', 'keep questions and titles in the records, so that "eval report" can show them')
    .option('--runs <folder>', 'keep the records in this folder')
    .option(
      '--fail-under <measure=value>',
      'exit with 4 when it is below, ndcg@10=0.7; repeat it for more',
      threshold,
    )
    .option('--junit <file>', 'write the thresholds and questions as JUnit XML')
    .option(
      '--sweep <name=value,value>',
      `measure every combination; repeat it for more of ${DIMENSIONS.join(', ')}`,
      collect,
    )
    .addOption(byOption('the measure that says which is best'))
    .option('--tune-on <split>', 'with --sweep: choose the best on this split')
    .option('--report-on <split>', 'and measure it, once, on this one')
    .addHelpText('after', HELP)
    .action((folder: string | undefined, options: EvalOptions) =>
      run(async () => (await load()).evalCommand(context, folder, options)),
    );

  command
    .command('report')
    .description('One page from one measurement or more: what was best, and every question')
    .argument('<run...>', 'files that --json or --runs wrote')
    // These are also the parent's; what stands behind `report` is this command's.
    .option('--html <file>', 'the page')
    .addOption(byOption('the measure that says which is best'))
    .action((paths: readonly string[], _options: ReportOptions, own: Command) =>
      run(async () =>
        (await load()).reportCommand(context, paths, own.optsWithGlobals<Partial<ReportOptions>>()),
      ),
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
