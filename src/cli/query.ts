/** What `plumbline query` does. */
import { RetrievalError } from '../errors.js';
import { queryRequestSchema, type QueryRequest } from '../retrieval/schema.js';
import type { QueryCommandOptions, WhyCommandOptions } from './commands/query.js';
import { EXIT, printJson, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { showAnswer } from './hits.js';
import { oneLine, paint } from './text.js';
import { filterJson, given } from './options.js';
import { rerankOf } from './rerank-options.js';
import { showWarnings } from './warnings.js';

/** @throws RetrievalError `invalid_request`, `invalid_filter`, and what retrieving throws. */
export async function queryCommand(
  context: Context,
  collection: string,
  question: string,
  options: QueryCommandOptions,
): Promise<ExitCode> {
  const request = toRequest(question, options);
  return withRuntime(context, async (runtime) => {
    const answer = await runtime.retrieve(collection, request, { signal: context.signal });
    runtime.queryLog?.queried(request, answer);
    if (options.json === true) printJson(context.stdout, answer);
    else {
      showAnswer(context.stdout, answer, { full: options.full === true, offset: request.offset });
      showWarnings(context.stderr, answer.warnings ?? []);
    }
    return EXIT.ok;
  });
}

/** @throws RetrievalError `invalid_request`, `invalid_filter`, and what retrieving throws. */
export async function whyCommand(
  context: Context,
  collection: string,
  question: string,
  options: WhyCommandOptions,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  const request = toRequest(question, options);
  return withRuntime(context, async (runtime) => {
    const why = await runtime.why(
      collection,
      { request, document_id: options.document, ...given({ chunk_id: options.chunk }) },
      { signal },
    );
    if (options.json === true) {
      printJson(stdout, why);
      return EXIT.ok;
    }
    printLine(stdout, `${paint(stdout, 'bold', why.stage)}: ${oneLine(why.reason)}`);
    for (const leg of ['vector', 'keyword'] as const) {
      const found = why[leg];
      if (found === null) continue;
      const place = found.rank === null ? `below ${String(found.depth)}` : String(found.rank);
      printLine(stdout, `  ${leg.padEnd(8)} place ${place}, score ${found.score?.toFixed(4) ?? '-'}`);
    }
    if (why.fused !== null) {
      const { rank, of, score } = why.fused;
      printLine(stdout, `  fused    place ${String(rank)} of ${String(of)}, score ${score.toFixed(4)}`);
    }
    if (why.chunk !== null) {
      const path = why.chunk.heading_path.map(oneLine).join(' › ');
      printLine(stdout, `  passage  ${why.chunk.chunk_id}${path === '' ? '' : `, ${path}`}`);
    }
    return EXIT.ok;
  });
}

/** The command line's options as the one query schema takes them. */
function toRequest(question: string, options: QueryCommandOptions): QueryRequest {
  const parsed = queryRequestSchema.safeParse({
    query: question,
    fusion: given({
      method: options.fusion,
      vector_weight: options.vectorWeight,
      rank_constant: options.rankConstant,
    }),
    ...given({
      filter: options.filter === undefined ? undefined : filterJson(options.filter),
      mode: options.mode,
      top_k: options.topK,
      offset: options.offset,
      candidates: options.candidates,
      recency: options.recency,
      rerank: rerankOf(options),
      min_score: options.minScore,
      group_by_document: options.group,
      neighbours: options.neighbours,
      model_version: options.modelVersion,
      generation: options.generation,
      ef_search: options.efSearch,
      exact: options.exact,
      explain: options.explain,
    }),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? 'query';
  throw new RetrievalError('invalid_request', `${field}: ${issue?.message ?? 'is not valid'}`, { field });
}
