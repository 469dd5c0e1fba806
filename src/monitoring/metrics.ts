/** The figures about quality, sizes and steps. Of names that callers choose only collections' are labels. */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { IngestSummary } from '../ingest/types.js';
import { RERANK_MODELS } from '../rerank/port.js';
import type { CanaryResult } from './canaries.js';
import type { BoundedLabels } from './labels.js';
import { CHECK_OUTCOMES, SELECTIVITIES } from './recall.js';
import type { RecallSample, Selectivity } from './recall.js';
import type { Sizes } from './sizes.js';
import type { StepFacts, StepName } from './types.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const RECALLS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1];
const SIMILARITIES = [-0.5, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1];

/** Samples that the running mean of recall is of. */
const RECALL_WINDOW = 200;
/** With fewer samples there is no mean yet: nobody is to be woken by chance. */
const LEAST_RECALL_SAMPLES = 20;

export interface QualityMetricsParts {
  readonly registry: Registry;
  readonly labels: BoundedLabels;
  readonly sizes: () => Promise<Sizes | null>;
  readonly drift: () => ReadonlyMap<string, number>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface QualityMetrics {
  step(name: StepName, facts: StepFacts, ms: number): void;
  stepFailed(name: StepName, facts: StepFacts): void;
  topScore(collection: string, score: number): void;
  recallSample(sample: RecallSample): void;
  recallOutcome(outcome: (typeof CHECK_OUTCOMES)[number]): void;
  canaryRound(results: readonly CanaryResult[]): void;
  ingested(summary: IngestSummary): void;
  ingestFailed(): void;
  built(outcome: 'done' | 'failed'): void;
  /** A collection is there no more, and neither are its series. */
  forget(collection: string): void;
}

/** Registers all figures of this file. */
export function createQualityMetrics(parts: QualityMetricsParts): QualityMetrics {
  const { labels } = parts;
  const registers = [parts.registry];

  const embedding = new Histogram({
    name: 'plumbline_embed_duration_seconds',
    help: 'Time of one call of an embedder, by embedder and input: query or document',
    labelNames: ['embedder', 'input'],
    buckets: SECONDS,
    registers,
  });
  const steps = new Histogram({
    name: 'plumbline_query_leg_duration_seconds',
    help: 'Time in the parts of a query: vector, keyword, complete, rerank, read',
    labelNames: ['leg'],
    buckets: SECONDS,
    registers,
  });
  const reranks = new Counter({
    name: 'plumbline_rerank_calls_total',
    help: 'Calls of a reranker, by model and outcome: done or failed',
    labelNames: ['model', 'outcome'],
    registers,
  });
  for (const model of RERANK_MODELS) {
    for (const outcome of ['done', 'failed']) reranks.inc({ model, outcome }, 0);
  }
  const writes = new Histogram({
    name: 'plumbline_ingest_write_duration_seconds',
    help: 'Time to write a batch of documents',
    buckets: SECONDS,
    registers,
  });
  const topScores = new Histogram({
    name: 'plumbline_query_top_similarity',
    help: "Score of a query's nearest passage in the vector leg, by collection",
    labelNames: ['collection'],
    buckets: SIMILARITIES,
    registers,
  });
  const recall = new Histogram({
    name: 'plumbline_ann_recall',
    help: "Share of the exact vector leg that the approximate index found, of checked queries, by the filter's selectivity",
    labelNames: ['collection', 'selectivity'],
    buckets: RECALLS,
    registers,
  });
  const recallMean = new Gauge({
    name: 'plumbline_ann_recall_mean',
    help: `Mean recall of the latest ${String(RECALL_WINDOW)} checked queries, from ${String(LEAST_RECALL_SAMPLES)} on`,
    labelNames: ['collection', 'selectivity'],
    registers,
  });
  const checks = new Counter({
    name: 'plumbline_ann_recall_checks_total',
    help: 'Queries drawn to be checked, by what became of them: checked, dropped, failed',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of CHECK_OUTCOMES) checks.inc({ outcome }, 0);
  new Gauge({
    name: 'plumbline_score_drift',
    help: 'Population stability index of the latest top scores against those of the first queries of the generation',
    labelNames: ['collection'],
    registers,
    collect() {
      this.reset();
      for (const [collection, value] of parts.drift()) this.set({ collection }, value);
    },
  });
  const canaryRank = new Gauge({
    name: 'plumbline_canary_reciprocal_rank',
    help: 'Mean reciprocal rank of the canary questions of a collection in the latest round',
    labelNames: ['collection'],
    registers,
  });
  const canaryFound = new Gauge({
    name: 'plumbline_canary_found_ratio',
    help: 'Share of the canary questions of a collection whose document was found in the latest round',
    labelNames: ['collection'],
    registers,
  });
  const canaryFailures = new Counter({
    name: 'plumbline_canary_failures_total',
    help: 'Canary questions that were not answered',
    registers,
  });
  const canaryRound = new Gauge({
    name: 'plumbline_canary_last_round_timestamp_seconds',
    help: 'When the latest round of canary questions ended; 0 before the first',
    registers,
  });
  registerSizes(parts, registers);
  const ingests = new Counter({
    name: 'plumbline_ingest_runs_total',
    help: 'Ingest runs, by outcome: done or failed',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['done', 'failed']) ingests.inc({ outcome }, 0);
  const ingestSeconds = new Counter({
    name: 'plumbline_ingest_seconds_total',
    help: 'Time spent in ingest runs that were done',
    registers,
  });
  const builds = new Counter({
    name: 'plumbline_generation_builds_total',
    help: 'Builds of generations in this process, by outcome: done or failed',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['done', 'failed']) builds.inc({ outcome }, 0);

  const windows = new Map<string, number[]>();
  const keyOf = (collection: string, selectivity: Selectivity): string => `${selectivity} ${collection}`;

  return {
    step(name, facts, ms) {
      switch (name) {
        case 'embed':
          embedding.observe(
            { embedder: String(facts['embedder']), input: String(facts['input']) },
            ms / 1000,
          );
          return;
        case 'write':
          writes.observe(ms / 1000);
          return;
        case 'rerank':
          reranks.inc({ model: String(facts['model']), outcome: 'done' });
          steps.observe({ leg: name }, ms / 1000);
          return;
        case 'vector':
        case 'keyword':
        case 'complete':
        case 'read':
          steps.observe({ leg: name }, ms / 1000);
          return;
        // Told by other figures, or for traces only.
        case 'query':
        case 'ingest':
        case 'chunk':
          return;
        default:
          name satisfies never;
      }
    },
    stepFailed(name, facts) {
      if (name === 'rerank') reranks.inc({ model: String(facts['model']), outcome: 'failed' });
    },
    topScore(name, score) {
      topScores.observe({ collection: labels.of(name) }, score);
    },
    recallSample({ collection: name, selectivity, recall: value }) {
      const collection = labels.of(name);
      recall.observe({ collection, selectivity }, value);
      const key = keyOf(collection, selectivity);
      const window = windows.get(key) ?? [];
      windows.set(key, window);
      window.push(value);
      if (window.length > RECALL_WINDOW) window.shift();
      if (window.length < LEAST_RECALL_SAMPLES) return;
      recallMean.set({ collection, selectivity }, window.reduce((sum, one) => sum + one, 0) / window.length);
    },
    recallOutcome(outcome) {
      checks.inc({ outcome });
    },
    canaryRound(results) {
      canaryRank.reset();
      canaryFound.reset();
      const ofLabel = new Map<string, CanaryResult[]>();
      for (const result of results) {
        const collection = labels.of(result.collection);
        ofLabel.set(collection, [...(ofLabel.get(collection) ?? []), result]);
        canaryFailures.inc(result.failed);
      }
      for (const [collection, of] of ofLabel) {
        canaryRank.set({ collection }, weighted(of, 'reciprocalRank'));
        canaryFound.set({ collection }, weighted(of, 'found'));
      }
      canaryRound.set(parts.now() / 1000);
    },
    ingested(summary) {
      ingests.inc({ outcome: 'done' });
      ingestSeconds.inc(summary.elapsedMs / 1000);
    },
    ingestFailed() {
      ingests.inc({ outcome: 'failed' });
    },
    built(outcome) {
      builds.inc({ outcome });
    },
    forget(collection) {
      topScores.remove({ collection });
      for (const selectivity of SELECTIVITIES) {
        windows.delete(keyOf(collection, selectivity));
        recall.remove({ collection, selectivity });
        recallMean.remove({ collection, selectivity });
      }
    },
  };
}

function registerSizes(parts: QualityMetricsParts, registers: Registry[]): void {
  new Gauge({
    name: 'plumbline_collections',
    help: 'Collections in the store',
    registers,
    async collect() {
      const sizes = await parts.sizes();
      if (sizes !== null) this.set(sizes.total);
    },
  });
  new Gauge({
    name: 'plumbline_collection_index_bytes',
    help: "Size of a collection's approximate index, where the store tells it, at most a minute ago",
    labelNames: ['collection'],
    registers,
    async collect() {
      const sizes = await parts.sizes();
      this.reset();
      for (const [collection, { indexBytes }] of sizes?.collections ?? []) {
        if (indexBytes !== null) this.set({ collection }, indexBytes);
      }
    },
  });
  for (const what of ['documents', 'chunks'] as const) {
    new Gauge({
      name: `plumbline_collection_${what}`,
      help:
        what === 'documents'
          ? 'Documents of a collection, at most a minute ago'
          : "Chunks of a collection's active generation, which are the rows of its index, at most a minute ago",
      labelNames: ['collection'],
      registers,
      async collect() {
        const sizes = await parts.sizes();
        this.reset();
        for (const [collection, counts] of sizes?.collections ?? []) this.set({ collection }, counts[what]);
      },
    });
  }
}

/** The mean over all questions of these results. */
function weighted(results: readonly CanaryResult[], key: 'found' | 'reciprocalRank'): number {
  const questions = results.reduce((sum, result) => sum + result.questions, 0);
  return results.reduce((sum, result) => sum + result[key] * result.questions, 0) / questions;
}
