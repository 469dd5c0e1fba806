/** What `plumbline answer` does. */
import { collectAnswer } from '../answer/collect.js';
import {
  answerRequestSchema,
  type AnswerEvent,
  type AnswerRequest,
  type AnswerSource,
} from '../answer/schema.js';
import { RetrievalError } from '../errors.js';
import type { AnswerCommandOptions } from './commands/answer.js';
import {
  EXIT,
  printJson,
  printLine,
  withRuntime,
  type Context,
  type ExitCode,
  type Output,
} from './context.js';
import { filterJson, given } from './options.js';
import { rerankOf } from './rerank-options.js';
import { duration, oneLine, paint, printable, wrap } from './text.js';
import { showWarnings } from './warnings.js';

const QUOTE_LINES = 3;

/** @throws RetrievalError `invalid_request`, `invalid_filter`, and what answering throws. */
export async function answerCommand(
  context: Context,
  collection: string,
  question: string,
  options: AnswerCommandOptions,
): Promise<ExitCode> {
  const request = toRequest(question, options);
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const how = options.json === true ? 'whole' : 'streamed';
    const events = runtime.answer(collection, request, how, { signal });
    if (options.json === true) printJson(stdout, await collectAnswer(events));
    else await showEvents(context, events);
    return EXIT.ok;
  });
}

function toRequest(question: string, options: AnswerCommandOptions): AnswerRequest {
  const parsed = answerRequestSchema.safeParse({
    query: question,
    ...given({
      filter: options.filter === undefined ? undefined : filterJson(options.filter),
      mode: options.mode,
      top_k: options.topK,
      min_score: options.minScore,
      rerank: rerankOf(options),
      model: options.model,
      max_tokens: options.maxTokens,
      prompt_tokens: options.promptTokens,
      temperature: options.temperature,
    }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw new RetrievalError('invalid_request', `${field}: ${issue?.message ?? 'is not valid'}`, { field });
}

/** The answer as it is written, then what it rests on. */
async function showEvents(
  { stdout: output, stderr }: Context,
  events: AsyncIterable<AnswerEvent>,
): Promise<void> {
  let sources: readonly AnswerSource[] = [];
  let model = '';
  for await (const { event, data } of events) {
    switch (event) {
      case 'sources':
        sources = data.sources;
        model = data.model;
        break;
      case 'text':
        output.stream.write(linesPrintable(data.text));
        break;
      case 'citations': {
        printLine(output);
        const cited = [...new Set(data.citations.map(({ source }) => source))].sort((a, b) => a - b);
        for (const number of cited) {
          const quotes = data.citations.filter(({ source }) => source === number).map(({ quote }) => quote);
          showSource(output, sources[number - 1], [...new Set(quotes)]);
        }
        showWarnings(stderr, data.warnings);
        break;
      }
      case 'done': {
        const { usage, took_ms: took } = data;
        const tokens =
          usage === null
            ? []
            : [`${String(usage.input_tokens)} tokens in, ${String(usage.output_tokens)} out`];
        printLine(output, paint(output, 'dim', [model, ...tokens, duration(took.total)].join(' · ')));
        break;
      }
      default:
        event satisfies never;
    }
  }
}

function showSource(output: Output, source: AnswerSource | undefined, quotes: readonly string[]): void {
  if (source === undefined) return;
  const path = source.heading_path.map(oneLine).join(' › ');
  const name = path === '' ? oneLine(source.title ?? source.document_id) : path;
  const place = source.source ?? source.document_id;
  const score = source.score === null ? '' : `  ${paint(output, 'green', source.score.toFixed(4))}`;
  printLine(output);
  printLine(output, `${paint(output, 'bold', `[S${String(source.number)}] ${name}`)}${score}`);
  printLine(output, `   ${paint(output, 'cyan', `${oneLine(place)} · ${oneLine(source.chunk_id)}`)}`);
  const width = Math.max(30, Math.min(output.columns, 110) - 3);
  for (const quote of quotes) {
    for (const line of wrap(quote, width, QUOTE_LINES)) printLine(output, `   ${line}`);
  }
}

/** What a model writes could steer the terminal; its line breaks may stay. */
function linesPrintable(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
