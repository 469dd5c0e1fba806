/** Spans of queries and ingests, sent to a collector by OTLP over HTTP. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Span } from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace-node';
import type { Sampler } from '@opentelemetry/sdk-trace-node';
import { RetrievalError } from '../errors.js';
import type { TracingSettings } from '../otel-settings.js';
import type { RunStep, StepName } from './types.js';

export interface Tracing {
  /** Runs a step in a span of its own, under that of the step around it. */
  readonly step: RunStep;
  /** Sends what is left. */
  close(): Promise<void>;
}

const SPAN_NAMES: Readonly<Record<StepName, string>> = {
  query: 'query',
  ingest: 'ingest',
  embed: 'embed',
  vector: 'vector leg',
  keyword: 'keyword leg',
  complete: 'complete',
  rerank: 'rerank',
  read: 'read',
  chunk: 'chunk',
  write: 'write',
};

/** A collector that is away keeps nobody from closing for longer. */
const CLOSE_MS = 3000;

/** Loads OpenTelemetry, and makes what sends its spans. */
export async function openTracing(settings: TracingSettings): Promise<Tracing> {
  const sdk = await import('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const { url, headers, timeoutMs, serviceName, attributes } = settings;
  // Registered nowhere: two runtimes of a process each have their own.
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({ ...attributes, 'service.name': serviceName }),
    sampler: samplerOf(sdk, settings.sampler),
    spanProcessors: [
      new sdk.BatchSpanProcessor(
        new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs }),
      ),
    ],
  });
  const tracer = provider.getTracer('plumbline');
  const around = new AsyncLocalStorage<Context>();

  return {
    async step(name, facts, run) {
      const parent = around.getStore() ?? ROOT_CONTEXT;
      const span = tracer.startSpan(SPAN_NAMES[name], { attributes: prefixed(facts) }, parent);
      try {
        return await around.run(trace.setSpan(parent, span), run);
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    },

    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/** A message may quote what was asked, so that only the code is told. */
function fail(span: Span, error: unknown): void {
  const code = error instanceof RetrievalError ? error.code : 'internal';
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function prefixed(facts: Parameters<RunStep>[1]): Parameters<RunStep>[1] {
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [`plumbline.${key}`, value]));
}

function samplerOf(sdk: typeof Sdk, { kind, ratio }: TracingSettings['sampler']): Sampler {
  const parentBased = (root: Sampler): Sampler => new sdk.ParentBasedSampler({ root });
  switch (kind) {
    case 'always_on':
      return new sdk.AlwaysOnSampler();
    case 'always_off':
      return new sdk.AlwaysOffSampler();
    case 'traceidratio':
      return new sdk.TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return parentBased(new sdk.AlwaysOnSampler());
    case 'parentbased_always_off':
      return parentBased(new sdk.AlwaysOffSampler());
    case 'parentbased_traceidratio':
      return parentBased(new sdk.TraceIdRatioBasedSampler(ratio));
    default:
      return kind satisfies never;
  }
}
