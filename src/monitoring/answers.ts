/** What `/metrics` shows of answers: what became of them, what they cost, how long they took. */
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { NOT_KNOWN } from '../answer/answer.js';
import type { AnswerEvents } from '../answer/answer.js';
import type { AnswerEvent } from '../answer/schema.js';
import { ERRORS, RetrievalError } from '../errors.js';
import { createBoundedLabels } from './labels.js';

/** What became of an answer. */
const OUTCOMES = ['answered', 'not_known', 'withheld', 'refused', 'failed', 'cancelled'] as const;
type Outcome = (typeof OUTCOMES)[number];
const MODES = ['whole', 'streamed'] as const;
type Mode = (typeof MODES)[number];
/** Warnings an alert or a graph is made of: there before the first one comes. */
const WATCHED_WARNINGS = ['no_citations', 'unknown_citations', 'rerank_failed'];
/** Callers choose the model, so that only so many have a label of their own. */
const MOST_MODELS = 20;
const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];

type Tail = (AnswerEvent & { readonly event: 'done' })['data'];

export interface AnswerMetrics {
  ended(mode: Mode, outcome: Outcome): void;
  warned(code: string): void;
  done(model: string, tail: Pick<Tail, 'usage' | 'took_ms'>, wasModelAsked: boolean): void;
}

/** Registers the figures of answers. */
export function createAnswerMetrics(registry: Registry): AnswerMetrics {
  const registers = [registry];
  const models = createBoundedLabels(MOST_MODELS);
  const answers = new Counter({
    name: 'plumbline_answers_total',
    help: 'Answers, by what became of them and whether they were streamed',
    labelNames: ['outcome', 'mode'],
    registers,
  });
  for (const outcome of OUTCOMES) for (const mode of MODES) answers.inc({ outcome, mode }, 0);
  const warnings = new Counter({
    name: 'plumbline_answer_warnings_total',
    help: 'Answers with a warning, by its code',
    labelNames: ['code'],
    registers,
  });
  for (const code of WATCHED_WARNINGS) warnings.inc({ code }, 0);
  const tokens = new Counter({
    name: 'plumbline_answer_tokens_total',
    help: 'Tokens of prompts and of answers, as the provider counts them, by model',
    labelNames: ['model', 'direction'],
    registers,
  });
  const seconds = new Histogram({
    name: 'plumbline_answer_duration_seconds',
    help: 'Time of an answer, by part: retrieve, generate, total',
    labelNames: ['part'],
    buckets: SECONDS,
    registers,
  });

  return {
    ended(mode, outcome) {
      answers.inc({ outcome, mode });
    },
    warned(code) {
      warnings.inc({ code });
    },
    done(name, { usage, took_ms: took }, wasModelAsked) {
      if (usage !== null) {
        const model = models.of(name);
        tokens.inc({ model, direction: 'input' }, usage.input_tokens);
        tokens.inc({ model, direction: 'output' }, usage.output_tokens);
      }
      // A knowledge base does both in one call, which is then the model's.
      if (took.retrieve > 0) seconds.observe({ part: 'retrieve' }, took.retrieve / 1000);
      if (wasModelAsked) seconds.observe({ part: 'generate' }, took.generate / 1000);
      seconds.observe({ part: 'total' }, took.total / 1000);
    },
  };
}

/** The same answers, counted. @param metrics null as long as nobody watches */
export function watchAnswers(answer: AnswerEvents, metrics: () => AnswerMetrics | null): AnswerEvents {
  return async function* watched(collection, request, how, options) {
    const counted = metrics();
    let model = '';
    let isNotKnown = false;
    let warned: readonly { readonly code: string }[] = [];
    let outcome: Outcome | null = null;
    try {
      for await (const event of answer(collection, request, how, options)) {
        switch (event.event) {
          case 'sources':
            ({ model } = event.data);
            break;
          case 'text':
            isNotKnown ||= event.data.text === NOT_KNOWN;
            break;
          case 'citations':
            warned = event.data.warnings;
            break;
          case 'done':
            outcome = outcomeOf(isNotKnown, warned);
            counted?.done(model, event.data, outcome !== 'not_known');
            for (const { code } of warned) counted?.warned(code);
            break;
          default:
            event satisfies never;
        }
        yield event;
      }
    } catch (error) {
      outcome ??= outcomeOfError(error, options?.signal);
      throw error;
    } finally {
      // Whoever leaves before the end has no answer and no error.
      counted?.ended(how, outcome ?? outcomeOfError(null, options?.signal));
    }
  };
}

function outcomeOf(isNotKnown: boolean, warnings: readonly { readonly code: string }[]): Outcome {
  if (isNotKnown) return 'not_known';
  return warnings.some(({ code }) => code === 'answer_withheld') ? 'withheld' : 'answered';
}

/** @param error null where the caller left without one */
function outcomeOfError(error: unknown, signal: AbortSignal | undefined): Outcome {
  // A request whose time is up is cancelled, and only its signal knows why.
  const reason: unknown = signal?.aborted === true ? signal.reason : error;
  if (!(reason instanceof RetrievalError)) {
    return error === null || signal?.aborted === true ? 'cancelled' : 'failed';
  }
  if (reason.code === 'cancelled') return 'cancelled';
  const { fault, retryable } = ERRORS[reason.code];
  return fault === 'caller' && !retryable ? 'refused' : 'failed';
}
