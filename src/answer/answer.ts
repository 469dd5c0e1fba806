/** Answers a question from a collection: retrieve → prompt → model → citations. */
import { RetrievalError } from '../errors.js';
import { queryRequestSchema } from '../retrieval/schema.js';
import type { Hit, QueryAnswer, QueryRequest, Warning } from '../retrieval/schema.js';
import type { CallOptions } from '../stores/port.js';
import { citationsOf } from './citations.js';
import { createMarkerFilter } from './markers.js';
import type { MarkerFilter } from './markers.js';
import type { ChatEnd, ChatEvent, ChatModel, ChatRequest } from './port.js';
import { buildPrompt } from './prompt.js';
import type { Prompt } from './prompt.js';
import type { AnswerEvent, AnswerHead, AnswerRequest, AnswerSource } from './schema.js';
import type { PromptTemplate } from './template.js';

/** What answers are made with unless the request says otherwise. */
export interface AnswerSettings {
  readonly model: string | null;
  readonly maxTokens: number;
  readonly promptTokens: number;
  readonly minScore: number | null;
}

export interface AnswerPorts {
  readonly chat: Omit<ChatModel, 'close'>;
  readonly template: PromptTemplate;
  readonly settings: AnswerSettings;
  retrieve(collection: string, request: QueryRequest, options: CallOptions): Promise<QueryAnswer>;
  /** Counts tokens: not as the model itself does, which is not known, but near enough for a budget. */
  openCounter(): Promise<(text: string) => number>;
  readonly newBoundary: () => string;
}

/** What is said when there is nothing to answer from. */
export const NOT_KNOWN = 'I do not know: nothing in the collection fits this question.';

/**
 * The events of an answer. With `whole` the model is asked for all at once: the events are the
 * same, with one text.
 */
export type AnswerEvents = (
  collection: string,
  request: AnswerRequest,
  how: 'whole' | 'streamed',
  options?: CallOptions,
) => AsyncGenerator<AnswerEvent>;

export function createAnswer(ports: AnswerPorts): AnswerEvents {
  return async function* answer(collection, request, how, options = {}) {
    const began = performance.now();
    const { settings } = ports;
    const model = answerModel(request, settings);
    const found = await ports.retrieve(collection, toQuery(request, settings), options);
    const retrieved = performance.now();
    const head: AnswerHead = {
      collection,
      generation: found.generation,
      model_version: found.model_version,
      model,
    };
    const warnings: Warning[] = [...(found.warnings ?? [])];
    const took = (): { retrieve: number; generate: number; total: number } => {
      const now = performance.now();
      return { retrieve: retrieved - began, generate: now - retrieved, total: now - began };
    };
    if (found.hits.length === 0) {
      yield { event: 'sources', data: { ...head, sources: [] } };
      yield { event: 'text', data: { text: NOT_KNOWN } };
      yield { event: 'citations', data: { citations: [], warnings } };
      yield { event: 'done', data: { grounded: false, stop_reason: null, usage: null, took_ms: took() } };
      return;
    }
    const prompt = await toPrompt(ports, request, found.hits);
    const leftOut = found.hits.length - prompt.sources.length;
    if (leftOut > 0) warnings.push(sourcesTrimmed(leftOut, found.hits.length));
    yield { event: 'sources', data: { ...head, sources: prompt.sources.map(toSource) } };

    const filter = createMarkerFilter(prompt.sources.length);
    let text = '';
    let end: ChatEnd | null = null;
    for await (const event of ask(ports.chat, chatRequest(request, settings, model, prompt), how, options)) {
      const piece = event.kind === 'text' ? filter.push(event.text) : filter.end();
      if (event.kind === 'end') end = event;
      if (piece === '') continue;
      text += piece;
      yield { event: 'text', data: { text: piece } };
    }
    if (end === null) throw new RetrievalError('internal', 'A chat model ended without an end');
    const citations = citationsOf(text, filter.markers, prompt.sources);
    warnings.push(...answerWarnings(text, end, filter, prompt.sources.length));
    yield { event: 'citations', data: { citations, warnings } };
    const { stopReason, usage } = end;
    yield {
      event: 'done',
      data: {
        grounded: citations.length > 0,
        stop_reason: stopReason,
        usage: usage === null ? null : { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
        took_ms: took(),
      },
    };
  };
}

/** @throws RetrievalError `invalid_request` when no model is named anywhere. */
export function answerModel(request: AnswerRequest, settings: Pick<AnswerSettings, 'model'>): string {
  const model = request.model ?? settings.model;
  if (model !== null) return model;
  throw new RetrievalError(
    'invalid_request',
    'No model is named: send model, or set PLUMBLINE_ANSWER_MODEL, to an id that Bedrock Converse takes',
    { field: 'model' },
  );
}

async function* ask(
  chat: AnswerPorts['chat'],
  request: ChatRequest,
  how: 'whole' | 'streamed',
  options: CallOptions,
): AsyncGenerator<ChatEvent> {
  if (how === 'streamed') {
    yield* chat.stream(request, options);
    return;
  }
  const { text, ...end } = await chat.converse(request, options);
  yield { kind: 'text', text };
  yield { kind: 'end', ...end };
}

function toQuery(request: AnswerRequest, settings: AnswerSettings): QueryRequest {
  const { model: _m, max_tokens: _t, prompt_tokens: _p, temperature: _c, stream: _s, ...query } = request;
  const floor = request.min_score ?? settings.minScore;
  return { ...QUERY_DEFAULTS, ...query, ...(floor === null ? {} : { min_score: floor }) };
}

const QUERY_DEFAULTS = queryRequestSchema.parse({ query: 'any' });

async function toPrompt(ports: AnswerPorts, request: AnswerRequest, hits: readonly Hit[]): Promise<Prompt> {
  return buildPrompt({
    template: ports.template,
    question: request.query,
    hits,
    budget: request.prompt_tokens ?? ports.settings.promptTokens,
    countTokens: await ports.openCounter(),
    newBoundary: ports.newBoundary,
  });
}

function chatRequest(
  request: AnswerRequest,
  settings: AnswerSettings,
  model: string,
  prompt: Prompt,
): ChatRequest {
  return {
    model,
    system: prompt.system,
    prompt: prompt.user,
    maxTokens: request.max_tokens ?? settings.maxTokens,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  };
}

function toSource(hit: Hit, index: number): AnswerSource {
  const { chunk_id, document_id, title, source, heading_path, text, score } = hit;
  return { number: index + 1, chunk_id, document_id, title, source, heading_path, text, score };
}

function sourcesTrimmed(leftOut: number, all: number): Warning {
  return {
    code: 'sources_trimmed',
    message: `${String(leftOut)} of ${String(all)} passages, the last ranked, did not find room in prompt_tokens`,
  };
}

/** Stop reasons after which there is less than the model would have said. */
const CUT = new Set(['max_tokens', 'model_context_window_exceeded']);
const WITHHELD = new Set(['guardrail_intervened', 'content_filtered']);

function answerWarnings(
  text: string,
  end: ChatEnd,
  filter: MarkerFilter,
  sources: number,
): readonly Warning[] {
  const warnings: Warning[] = [];
  const { unknown, markers } = filter;
  if (unknown.length > 0) {
    warnings.push({
      code: 'unknown_citations',
      message: `The model cited ${unknown.map((number) => `S${String(number)}`).join(', ')}, but was given ${String(sources)} sources; these marks were taken out`,
    });
  }
  if (CUT.has(end.stopReason)) {
    warnings.push({ code: 'answer_cut', message: 'The answer is cut off; raise max_tokens' });
  }
  if (WITHHELD.has(end.stopReason)) {
    warnings.push({
      code: 'answer_withheld',
      message: `The provider withheld the answer (${end.stopReason})`,
    });
  }
  if (text.trim() === '') warnings.push({ code: 'empty_answer', message: 'The model wrote nothing' });
  else if (markers.length === 0) {
    warnings.push({
      code: 'no_citations',
      message: 'The model cited no source; nothing supports this answer',
    });
  }
  return warnings;
}
