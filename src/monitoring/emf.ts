/** The main figures as one line of JSON in CloudWatch's embedded metric format. */
import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/** What CloudWatch takes as a unit, of those that are needed here. */
type Unit = 'Count' | 'Milliseconds' | 'None';

interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
}

type Snapshot = ReadonlyMap<string, MetricObjectWithValues<MetricValue<string>>>;

const NAMESPACE = 'Plumbline';

/** Writes the figures of the time since the line before. */
export function createEmfWriter(registry: Registry, now: () => number): () => Promise<string> {
  let before = new Map<string, number>();

  return async () => {
    const metrics: Snapshot = new Map(
      (await registry.getMetricsAsJSON()).map((metric) => [metric.name, metric]),
    );
    const totals = totalsOf(metrics);
    const since = (key: string): number => (totals.get(key) ?? 0) - (before.get(key) ?? 0);
    const figures = [
      count('Requests', since('requests')),
      count('ServerErrors', since('errors')),
      count('Queries', since('queries')),
      count('EmptyResults', since('empty')),
      count('IngestedChunks', since('ingested')),
      count('FailedBuilds', since('failed builds')),
      ...meanMs('QueryTime', since('query seconds'), since('timed queries')),
      ...extreme('AnnRecallLowest', metrics.get('plumbline_ann_recall_mean'), Math.min),
      ...extreme('ScoreDriftHighest', metrics.get('plumbline_score_drift'), Math.max),
      ...extreme('CanaryFoundLowest', metrics.get('plumbline_canary_found_ratio'), Math.min),
      count('Chunks', sum(metrics.get('plumbline_collection_chunks'))),
      count('Documents', sum(metrics.get('plumbline_collection_documents'))),
    ];
    before = totals;
    return JSON.stringify({
      _aws: {
        Timestamp: now(),
        CloudWatchMetrics: [
          {
            Namespace: NAMESPACE,
            Dimensions: [['Service']],
            Metrics: figures.map(({ name, unit }) => ({ Name: name, Unit: unit })),
          },
        ],
      },
      Service: 'plumbline',
      ...Object.fromEntries(figures.map(({ name, value }) => [name, value])),
    });
  };
}

/** What only grows. */
function totalsOf(metrics: Snapshot): Map<string, number> {
  const requests = metrics.get('plumbline_http_request_duration_seconds');
  const stages = metrics.get('plumbline_query_stage_duration_seconds');
  const isCount = ({ metricName }: Named): boolean => metricName?.endsWith('_count') === true;
  const isTotal = ({ labels }: Named): boolean => labels['stage'] === 'total';
  return new Map([
    ['requests', sum(requests, isCount)],
    ['errors', sum(requests, (value) => isCount(value) && Number(value.labels['status']) >= 500)],
    ['queries', sum(metrics.get('plumbline_queries_total'))],
    ['empty', sum(metrics.get('plumbline_query_empty_results_total'))],
    ['ingested', sum(metrics.get('plumbline_ingest_chunks_total'))],
    [
      'failed builds',
      sum(metrics.get('plumbline_generation_builds_total'), ({ labels }) => labels['outcome'] === 'failed'),
    ],
    ['query seconds', sum(stages, (value) => isTotal(value) && value.metricName?.endsWith('_sum') === true)],
    ['timed queries', sum(stages, (value) => isTotal(value) && isCount(value))],
  ]);
}

/** Values of histograms also say which of their series they are. */
type Named = MetricValue<string> & { readonly metricName?: string };

function sum(
  metric: MetricObjectWithValues<MetricValue<string>> | undefined,
  accept: (value: Named) => boolean = () => true,
): number {
  return (metric?.values ?? []).filter(accept).reduce((total, { value }) => total + value, 0);
}

function count(name: string, value: number): Figure {
  return { name, unit: 'Count', value };
}

function meanMs(name: string, seconds: number, times: number): readonly Figure[] {
  return times === 0 ? [] : [{ name, unit: 'Milliseconds', value: (seconds * 1000) / times }];
}

/** A figure that nothing is known of yet is left out. */
function extreme(
  name: string,
  metric: MetricObjectWithValues<MetricValue<string>> | undefined,
  of: (...values: number[]) => number,
): readonly Figure[] {
  const values = (metric?.values ?? []).map(({ value }) => value);
  return values.length === 0 ? [] : [{ name, unit: 'None', value: of(...values) }];
}
