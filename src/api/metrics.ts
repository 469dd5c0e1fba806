/**
 * What `/metrics` shows of requests. Labels are route templates and codes, never names that callers
 * choose; the figures by collection are those of `src/monitoring`.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { IngestSummary } from '../ingest/types.js';
import type { QueryAnswer } from '../retrieval/schema.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const HITS = [0, 1, 2, 5, 10, 20, 50, 100, 1000];

type Rejection = 'overloaded' | 'draining' | 'unauthorized' | 'foreign_host';

export interface Metrics {
  readonly contentType: string;
  /** For further figures. */
  readonly registry: Registry;
  text(): Promise<string>;
  request(
    labels: { readonly method: string; readonly route: string; readonly status: number },
    ms: number,
  ): void;
  rejected(reason: Rejection): void;
  answered(answer: QueryAnswer): void;
  ingested(summary: IngestSummary): void;
}

/** @param inflight how many requests are worked on now */
export function createMetrics(inflight: () => number, version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const requests = new Histogram({
    name: 'plumbline_http_request_duration_seconds',
    help: 'Time to answer, by route template and status',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const rejections = new Counter({
    name: 'plumbline_http_rejections_total',
    help: 'Requests refused before any work',
    labelNames: ['reason'],
    registers,
  });
  new Gauge({
    name: 'plumbline_http_requests_in_flight',
    help: 'Requests being worked on',
    registers,
    collect() {
      this.set(inflight());
    },
  });
  new Gauge({
    name: 'plumbline_build_info',
    help: 'Always 1; the version is the label',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  const stages = new Histogram({
    name: 'plumbline_query_stage_duration_seconds',
    help: 'Time in the stages of a query: embed, legs, complete, total',
    labelNames: ['stage'],
    buckets: SECONDS,
    registers,
  });
  const queries = new Counter({
    name: 'plumbline_queries_total',
    help: 'Queries answered, by mode',
    labelNames: ['mode'],
    registers,
  });
  const hits = new Histogram({
    name: 'plumbline_query_hits',
    help: 'Hits an answer held',
    buckets: HITS,
    registers,
  });
  const empty = new Counter({
    name: 'plumbline_query_empty_results_total',
    help: 'Queries answered without a hit',
    registers,
  });
  const warnings = new Counter({
    name: 'plumbline_query_warnings_total',
    help: 'Queries answered with a warning, by its code',
    labelNames: ['code'],
    registers,
  });
  warnings.inc({ code: 'rerank_failed' }, 0);
  const documents = new Counter({
    name: 'plumbline_ingest_documents_total',
    help: 'Documents put, by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const chunks = new Counter({
    name: 'plumbline_ingest_chunks_total',
    help: 'Chunks written: embedded anew, or with their vector kept',
    labelNames: ['vector'],
    registers,
  });

  return {
    contentType: registry.contentType,
    registry,
    text: () => registry.metrics(),
    request(labels, ms) {
      requests.observe(labels, ms / 1000);
    },
    rejected(reason) {
      rejections.inc({ reason });
    },
    answered(answer) {
      queries.inc({ mode: answer.mode });
      hits.observe(answer.hits.length);
      if (answer.hits.length === 0) empty.inc();
      for (const { code } of answer.warnings ?? []) warnings.inc({ code });
      for (const stage of ['embed', 'legs', 'complete', 'total'] as const) {
        stages.observe({ stage }, answer.took_ms[stage] / 1000);
      }
    },
    ingested(summary) {
      documents.inc({ outcome: 'added' }, summary.added);
      documents.inc({ outcome: 'changed' }, summary.changed);
      documents.inc({ outcome: 'unchanged' }, summary.unchanged);
      documents.inc({ outcome: 'failed' }, summary.failed.length);
      chunks.inc({ vector: 'embedded' }, summary.embedded);
      chunks.inc({ vector: 'reused' }, summary.reused);
    },
  };
}
