/** The options that ask for a reranker. */
import { Option, type Command } from 'commander';
import { RERANK_MODELS, type RerankModel } from '../rerank/port.js';
import { RetrievalError } from '../errors.js';
import type { QueryInput } from '../retrieval/schema.js';
import { integer } from './options.js';

export interface RerankOptions {
  readonly rerank?: RerankModel;
  readonly rerankCandidates?: number;
  readonly rerankOrFail?: true;
}

export function addRerankOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--rerank <model>', 'put the best candidates in the order of this model of Bedrock').choices(
        [...RERANK_MODELS],
      ),
    )
    .option('--rerank-candidates <n>', 'how many of them (default: 100)', integer(1))
    .option('--rerank-or-fail', 'fail when the reranker does, instead of keeping the order');
}

/**
 * The reranker that the options describe; undefined where they name none.
 * @throws RetrievalError `invalid_request` for settings of a reranker that was not chosen.
 */
export function rerankOf(options: RerankOptions): QueryInput['rerank'] {
  const { rerank, rerankCandidates, rerankOrFail } = options;
  if (rerank === undefined) {
    if (rerankCandidates === undefined && rerankOrFail === undefined) return undefined;
    throw new RetrievalError(
      'invalid_request',
      '--rerank-candidates and --rerank-or-fail need a --rerank MODEL',
      {
        field: 'rerank',
      },
    );
  }
  return {
    model: rerank,
    ...(rerankCandidates === undefined ? {} : { candidates: rerankCandidates }),
    ...(rerankOrFail === true ? { on_failure: 'fail' as const } : {}),
  };
}
