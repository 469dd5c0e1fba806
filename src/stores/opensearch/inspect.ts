/** Looks into a cluster: for `plumbline doctor` and conformance records. Users who may not see a part see null. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { CallOptions } from '../port.js';
import type { IndexState, OpenSearchInspection, Permission, Probe } from '../inspection.js';
import { createCatalog } from './catalog.js';
import { connect } from './connection.js';
import type { Connection } from './connection.js';
import { faultOf } from './errors.js';
import type { OpenSearchOptions } from './index.js';
import { MAPPING_VERSION } from './mappings.js';
import { createSearcher } from './search.js';

const DENIED = [400, 401, 403, 404, 405];
/** Statuses that say what may not be done, and not that something broke. */
const REFUSED = [400, 401, 403, 404, 405, 409];

const rootSchema = z.object({
  version: z.object({ number: z.string(), distribution: z.string().default('elasticsearch') }),
});
const pluginsSchema = z.array(z.object({ component: z.string(), version: z.string() }));
const healthSchema = z.object({
  status: z.string(),
  number_of_data_nodes: z.number(),
  active_shards: z.number(),
  unassigned_shards: z.number(),
});
const settingsSchema = z
  .object({
    defaults: z.record(z.string(), z.unknown()).default({}),
    persistent: z.record(z.string(), z.unknown()).default({}),
    transient: z.record(z.string(), z.unknown()).default({}),
  })
  .transform(({ defaults, persistent, transient }): Readonly<Record<string, unknown>> => ({
    ...defaults,
    ...persistent,
    ...transient,
  }));
const statsSchema = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      jvm: z.object({ mem: z.object({ heap_used_percent: z.number(), heap_max_in_bytes: z.number() }) }),
      fs: z.object({ total: z.object({ total_in_bytes: z.number(), available_in_bytes: z.number() }) }),
    }),
  ),
});
const breakerSchema = z.object({ circuit_breaker_triggered: z.boolean() });
const mappingsSchema = z.record(
  z.string(),
  z.object({
    mappings: z.object({ _meta: z.object({ plumbline: z.object({ mapping: z.number() }) }).optional() }),
  }),
);
const indexSettingsSchema = z.record(z.string(), z.object({ settings: z.record(z.string(), z.unknown()) }));

/** Opens no store: the catalog's index is not made where it is missing. */
export function openOpenSearchProbe(options: OpenSearchOptions): Probe {
  const connection = connect(options);
  return {
    inspect: (callOptions) => inspectOpenSearch(connection, options, callOptions),
    permissions: async (scratch, callOptions) => ({
      'create an index': await tryIndex(connection, `${options.prefix}-${scratch}`, callOptions),
    }),
    close: () => connection.close(),
  };
}

/** @throws RetrievalError `store_unavailable` */
async function inspectOpenSearch(
  connection: Connection,
  options: OpenSearchOptions,
  callOptions?: CallOptions,
): Promise<OpenSearchInspection> {
  const look = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
    const { body } = await connection.send({ method: 'GET', path }, callOptions, DENIED);
    const parsed = schema.safeParse(body);
    return parsed.success ? parsed.data : null;
  };
  const root = await look('/', rootSchema);
  const plugins = await look('/_cat/plugins?format=json', pluginsSchema);
  const health = await look('/_cluster/health', healthSchema);
  const settings = await look('/_cluster/settings?include_defaults=true&flat_settings=true', settingsSchema);
  const stats = await look('/_nodes/stats/jvm,fs', statsSchema);
  const breaker = await look('/_plugins/_knn/stats/circuit_breaker_triggered', breakerSchema);
  const nodes = stats === null ? null : Object.values(stats.nodes);
  const setting = (name: string): string => {
    const value = settings?.[name];
    return typeof value === 'string' ? value : '';
  };
  const watermark = 'cluster.routing.allocation.disk.watermark';
  const applied = await mappingVersion(connection, `${options.prefix}-catalog`, callOptions);
  return {
    kind: 'opensearch',
    version: root?.version.number ?? 'unknown',
    distribution: root?.version.distribution ?? 'unknown',
    plugin: plugins?.find(({ component }) => component === 'opensearch-knn')?.version ?? null,
    engine: options.engine,
    health: health?.status ?? null,
    dataNodes: health?.number_of_data_nodes ?? null,
    shards:
      health === null || settings === null
        ? null
        : {
            used: health.active_shards + health.unassigned_shards,
            most: Number(setting('cluster.max_shards_per_node')) * health.number_of_data_nodes,
          },
    heap:
      nodes?.map(({ jvm: { mem } }) => ({
        usedPercent: mem.heap_used_percent,
        maxBytes: mem.heap_max_in_bytes,
      })) ?? null,
    disk:
      nodes?.map(({ fs: { total } }) => ({
        usedPercent: Math.round(100 * (1 - total.available_in_bytes / Math.max(1, total.total_in_bytes))),
      })) ?? null,
    watermarks:
      settings === null
        ? null
        : {
            low: setting(`${watermark}.low`),
            high: setting(`${watermark}.high`),
            floodStage: setting(`${watermark}.flood_stage`),
          },
    circuitBreaker:
      settings === null || breaker === null
        ? null
        : {
            enabled: setting('knn.memory.circuit_breaker.enabled') === 'true',
            limit: setting('knn.memory.circuit_breaker.limit'),
            triggered: breaker.circuit_breaker_triggered,
          },
    schema: { applied, known: MAPPING_VERSION },
    indexes: applied === null ? [] : await indexStates(connection, options, callOptions),
  };
}

async function mappingVersion(
  connection: Connection,
  index: string,
  options?: CallOptions,
): Promise<number | null> {
  const { status, body } = await connection.send(
    { method: 'GET', path: `/${index}/_mapping` },
    options,
    DENIED,
  );
  const parsed = mappingsSchema.safeParse(body);
  if (status >= 300 || !parsed.success) return null;
  return Math.max(
    0,
    ...Object.values(parsed.data).map(({ mappings }) => mappings._meta?.plumbline.mapping ?? 0),
  );
}

async function indexStates(
  connection: Connection,
  options: OpenSearchOptions,
  callOptions?: CallOptions,
): Promise<readonly IndexState[]> {
  const catalog = createCatalog(connection, createSearcher(connection, randomUUID()), options);
  const states: IndexState[] = [];
  for (const { name, generation } of await catalog.list(callOptions)) {
    const alias = `${options.prefix}-generation-${String(generation.id)}`;
    const { status, body } = await connection.send(
      { method: 'GET', path: `/${alias}/_settings`, query: { flat_settings: true } },
      callOptions,
      DENIED,
    );
    const parsed = indexSettingsSchema.safeParse(body);
    const settings = status < 300 && parsed.success ? Object.values(parsed.data)[0]?.settings : undefined;
    states.push({
      collection: name,
      kind: generation.index.kind,
      chunks: null,
      bytes: null,
      state: stateOf(settings),
    });
  }
  return states;

  function stateOf(settings: Readonly<Record<string, unknown>> | undefined): IndexState['state'] {
    // Another refresh interval shows batches half written.
    if (settings?.['index.refresh_interval'] !== '-1') return 'broken';
    const isBlocked =
      settings['index.blocks.read_only_allow_delete'] === 'true' || settings['index.blocks.write'] === 'true';
    return isBlocked ? 'read_only' : 'ready';
  }
}

async function tryIndex(connection: Connection, index: string, options?: CallOptions): Promise<Permission> {
  const { status, body } = await connection.send(
    {
      method: 'PUT',
      path: `/${index}`,
      body: {
        settings: { index: { number_of_shards: 1, number_of_replicas: 0, knn: true } },
        mappings: { properties: { embedding: { type: 'knn_vector', dimension: 2 } } },
      },
    },
    options,
    REFUSED,
  );
  if (status >= 300) return { allowed: false, code: faultOf(status, body).type };
  // Not with the caller's signal: what was made has to go.
  const removed = await connection.send({ method: 'DELETE', path: `/${index}` }, {}, REFUSED);
  if (removed.status < 300) return { allowed: true };
  return { allowed: false, code: faultOf(removed.status, removed.body).type };
}
