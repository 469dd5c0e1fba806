/** Brings together what is watched: recall, scores, canaries, sizes, times. */
import type { AnswerEvents } from '../answer/answer.js';
import type { IngestSummary } from '../ingest/types.js';
import type { Generations } from '../generations/types.js';
import { RetrievalError, hasCode } from '../errors.js';
import type { AnsweredQuery } from '../retrieval/retrieve.js';
import type { QueryAnswer, QueryRequest } from '../retrieval/schema.js';
import type { CallOptions, VectorStore } from '../stores/port.js';
import { createAnswerMetrics, watchAnswers } from './answers.js';
import type { AnswerMetrics } from './answers.js';
import { startCanaries } from './canaries.js';
import { loadCanaryQuestions } from './canary-file.js';
import { createScoreDrift } from './drift.js';
import { createEmfWriter } from './emf.js';
import { createBoundedLabels, OTHER } from './labels.js';
import { createQualityMetrics } from './metrics.js';
import type { QualityMetrics } from './metrics.js';
import { createRecallCheck } from './recall.js';
import { createSizes } from './sizes.js';
import type { Tracing } from './tracing.js';
import type { Monitoring, MonitoringHost, RunStep } from './types.js';

/** Settings of monitoring, as the configuration has them. */
export interface MonitoringSettings {
  /** Share of live queries whose recall is checked. */
  readonly recallSample: number;
  readonly canary: { readonly file: string | null; readonly intervalMs: number };
  readonly format: 'prometheus' | 'emf';
}

export interface MonitorOptions {
  readonly store: VectorStore;
  readonly settings: MonitoringSettings;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where there is a collector of traces. */
  readonly tracing: Tracing | null;
  /** From 0 to less than 1. */
  readonly random?: () => number;
  /** How a canary question is asked. */
  ask(collection: string, request: QueryRequest, options: CallOptions): Promise<QueryAnswer>;
}

export interface Monitor extends Monitoring {
  readonly step: RunStep;
  readonly answered: (query: AnsweredQuery) => void;
  /** The same answers, counted. */
  readonly answers: (answer: AnswerEvents) => AnswerEvents;
  /** The same promise, whose outcome is counted. */
  ingest(run: Promise<IngestSummary>): Promise<IngestSummary>;
  /** The same build, whose outcome is counted. */
  readonly build: (build: Generations['build']) => Generations['build'];
  /** Stops everything at once, and waits for nothing. */
  close(): void;
  /** Settles when nothing goes on beside the queries. */
  idle(): Promise<void>;
}

/** Collections with labels of their own. */
const MOST_COLLECTIONS = 50;
const EMF_INTERVAL_MS = 60_000;

/** Watches nothing until it is started. */
export function createMonitor(options: MonitorOptions): Monitor {
  const { store, settings, now, tracing } = options;
  const closed = new AbortController();
  const labels = createBoundedLabels(MOST_COLLECTIONS);
  const drift = createScoreDrift({
    ...(store.records === undefined ? {} : { records: store.records }),
    signal: closed.signal,
  });
  let metrics: QualityMetrics | null = null;
  let answers: AnswerMetrics | null = null;
  let canaries: ReturnType<typeof startCanaries> | null = null;
  /** What the canaries ask says nothing about what callers do. */
  const synthetic = new WeakSet<QueryRequest>();
  const recall = createRecallCheck({
    store,
    share: settings.recallSample,
    random: options.random ?? Math.random,
    onSample: (sample) => metrics?.recallSample(sample),
    onOutcome: (outcome) => metrics?.recallOutcome(outcome),
  });
  const sizes = createSizes({
    store,
    labels,
    now: () => performance.now(),
    signal: closed.signal,
    onGone: (collection) => {
      metrics?.forget(collection);
      drift.forget(collection);
    },
  });

  const writeEmf = (host: MonitoringHost): void => {
    const write = createEmfWriter(host.registry, now);
    const timer = setInterval(() => {
      write().then(
        (line) => {
          if (!closed.signal.aborted) host.writeLine(`${line}\n`);
        },
        () => undefined,
      );
    }, EMF_INTERVAL_MS);
    timer.unref();
    closed.signal.addEventListener('abort', () => {
      clearInterval(timer);
    });
  };

  return {
    async start(host) {
      const { file, intervalMs } = settings.canary;
      const questions = file === null ? [] : await loadCanaryQuestions(file);
      if (metrics !== null) throw new RetrievalError('internal', 'The runtime is watched already');
      metrics = createQualityMetrics({
        registry: host.registry,
        labels,
        sizes,
        drift: () => drift.values(),
        now,
      });
      answers = createAnswerMetrics(host.registry);
      const counted = metrics;
      if (settings.format === 'emf') writeEmf(host);
      if (questions.length === 0 || closed.signal.aborted) return;
      canaries = startCanaries({
        questions,
        intervalMs,
        ask: (collection, request, call) => {
          synthetic.add(request);
          return options.ask(collection, request, call);
        },
        onRound: (results) => {
          counted.canaryRound(results);
        },
      });
    },

    async step(name, facts, run) {
      const counted = metrics;
      const traced = tracing === null ? run : () => tracing.step(name, facts, run);
      if (counted === null) return traced();
      const began = performance.now();
      try {
        const result = await traced();
        counted.step(name, facts, performance.now() - began);
        return result;
      } catch (error) {
        if (!hasCode(error, 'cancelled')) counted.stepFailed(name, facts);
        throw error;
      }
    },

    answered(query) {
      if (metrics === null || synthetic.has(query.request)) return;
      const { collection, generation } = query.ref;
      const nearest = query.candidates.find(({ vector }) => vector?.rank === 1)?.vector;
      if (nearest !== undefined && nearest !== null) {
        metrics.topScore(collection, nearest.score);
        // Of many collections together a distribution means nothing.
        if (query.isActive && labels.of(collection) !== OTHER) {
          drift.seen(collection, generation, nearest.score);
        }
      }
      recall.offer(query);
    },

    answers: (answer) => watchAnswers(answer, () => answers),

    async ingest(run) {
      try {
        const summary = await run;
        metrics?.ingested(summary);
        return summary;
      } catch (error) {
        if (!hasCode(error, 'cancelled')) metrics?.ingestFailed();
        throw error;
      }
    },

    build:
      (build) =>
      async (...args) => {
        try {
          const result = await build(...args);
          metrics?.built('done');
          return result;
        } catch (error) {
          if (!hasCode(error, 'cancelled')) metrics?.built('failed');
          throw error;
        }
      },

    close() {
      recall.close();
      canaries?.close();
      closed.abort();
    },

    async idle() {
      await Promise.all([recall.idle(), drift.idle(), canaries?.idle()]);
    },
  };
}
