/** What there is to say about an OpenSearch cluster. Pure. */
import type { OpenSearchInspection } from '../stores/inspection.js';
import { indexFindings, schemaFinding } from './shared.js';
import { size } from './size.js';
import { ok, problem, warning } from './types.js';
import type { Finding } from './types.js';

const HIGH_HEAP_PERCENT = 85;
const MANY_SHARDS = 0.9;

export function openSearchFindings(inspection: OpenSearchInspection): readonly Finding[] {
  return [
    serverFinding(inspection),
    pluginFinding(inspection),
    healthFinding(inspection),
    ...shardFindings(inspection),
    ...heapFindings(inspection),
    ...diskFindings(inspection),
    ...breakerFindings(inspection),
    schemaFinding(inspection.schema),
    ...indexFindings(inspection.indexes),
  ];
}

function serverFinding({ distribution, version }: OpenSearchInspection): Finding {
  const what = `${distribution} ${version}`;
  const advice = 'Use OpenSearch 3 with its k-NN plugin.';
  if (distribution !== 'opensearch') return problem('server', what, advice);
  const major = Number(version.split('.')[0]);
  if (major >= 3) return ok('server', what);
  return major === 2
    ? warning('server', `${what}, on which Plumbline is not tested`, advice)
    : problem('server', what, advice);
}

function pluginFinding({ plugin, engine }: OpenSearchInspection): Finding {
  if (plugin !== null) return ok('k-NN plugin', `Version ${plugin}, engine ${engine}`);
  return warning(
    'k-NN plugin',
    'It is not there, or this user may not see it',
    'Install opensearch-knn on every node, unless an index can be created, which shows that it is there.',
  );
}

function healthFinding({ health, dataNodes }: OpenSearchInspection): Finding {
  const what = `${health ?? 'unknown'}${dataNodes === null ? '' : `, data nodes: ${String(dataNodes)}`}`;
  switch (health) {
    case 'green':
      return ok('cluster', what);
    case 'yellow':
      return warning('cluster', what, 'Some replicas have no node: see "GET _cluster/allocation/explain".');
    case 'red':
      return problem('cluster', what, 'Some data cannot be had: see "GET _cluster/allocation/explain".');
    default:
      return warning('cluster', what, 'Allow this user cluster:monitor/health to have it looked at.');
  }
}

function shardFindings({ shards }: OpenSearchInspection): readonly Finding[] {
  if (shards === null) return [];
  const what = `${String(shards.used)} of ${String(shards.most)}; a collection takes one, and one for each replica`;
  const advice = 'Delete what is not needed, add a node, or raise cluster.max_shards_per_node.';
  if (shards.used >= shards.most) return [problem('shards', what, advice)];
  return [shards.used >= shards.most * MANY_SHARDS ? warning('shards', what, advice) : ok('shards', what)];
}

function heapFindings({ heap }: OpenSearchInspection): readonly Finding[] {
  if (heap === null || heap.length === 0) return [];
  const used = Math.max(...heap.map(({ usedPercent }) => usedPercent));
  const least = Math.min(...heap.map(({ maxBytes }) => maxBytes));
  const what = `The fullest node uses ${String(used)} % of its heap; the smallest heap is ${size(least)}`;
  if (used < HIGH_HEAP_PERCENT) return [ok('heap', what)];
  return [warning('heap', what, 'Give the nodes more heap, up to half of their memory.')];
}

function diskFindings({ disk, watermarks }: OpenSearchInspection): readonly Finding[] {
  if (disk === null || disk.length === 0) return [];
  const used = Math.max(...disk.map(({ usedPercent }) => usedPercent));
  const what = `The fullest node uses ${String(used)} % of its disk`;
  const advice = 'Make room or add a node: at the flood stage all indexes become read-only.';
  const passes = (mark: string | undefined): boolean => {
    const percent = /^(\d+(?:\.\d+)?)%$/u.exec(mark ?? '')?.[1];
    // Marks in bytes are left to the server.
    return percent !== undefined && used >= Number(percent);
  };
  if (passes(watermarks?.floodStage)) return [problem('disk', what, advice)];
  if (passes(watermarks?.high) || passes(watermarks?.low)) return [warning('disk', what, advice)];
  return [ok('disk', what)];
}

function breakerFindings({ circuitBreaker, engine }: OpenSearchInspection): readonly Finding[] {
  // The breaker is about native memory, which Lucene's graphs do not take.
  if (circuitBreaker === null || engine === 'lucene') return [];
  const { enabled, limit, triggered } = circuitBreaker;
  const what = `k-NN circuit breaker at ${limit}`;
  if (triggered) {
    return [
      problem('memory', `${what}, triggered`, 'Add memory, or raise knn.memory.circuit_breaker.limit.'),
    ];
  }
  if (enabled) return [ok('memory', what)];
  return [
    warning('memory', 'The k-NN circuit breaker is off', 'Set knn.memory.circuit_breaker.enabled to true.'),
  ];
}
