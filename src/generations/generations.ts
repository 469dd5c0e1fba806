/** The life of generations: started, built, gated, activated, rolled back, dropped. */
import { setTimeout as delay } from 'node:timers/promises';
import { assertCapabilities, generationSpec } from '../catalog/generation-spec.js';
import type { Embedder } from '../embedders/port.js';
import { RetrievalError, cancelled, hasCode } from '../errors.js';
import type { ChunkerSettings, Collection, JsonObject, VectorIndex } from '../model.js';
import { canonicalPin, modelVersion } from '../pin.js';
import type { GenerationRecord, GenerationStore, RecordStore } from '../stores/generations-port.js';
import type { CallOptions, VectorStore } from '../stores/port.js';
import { buildGeneration } from './build.js';
import { GATE, latestGates, readHistory, remember } from './history.js';
import { createBuildLease } from './lease.js';
import { noSuchGeneration } from './refusals.js';
import type { GateVerdict, GenerationDescription, Generations } from './types.js';

export interface GenerationPorts {
  readonly store: VectorStore;
  getCollection(name: string, options?: CallOptions): Promise<Collection>;
  openEmbedder(name: string): Promise<Embedder>;
  /** Epoch milliseconds. */
  now(): number;
}

/**
 * How often an activation builds what was written since, before it gives up: some fifteen seconds,
 * in which every ingest has looked for generations beside the active one.
 */
const MAX_CATCH_UPS = 20;
const DAY_MS = 86_400_000;

export function createGenerations(ports: GenerationPorts): Generations {
  const { store } = ports;
  const parts = (): { readonly generations: GenerationStore; readonly records: RecordStore } => {
    const { generations, records } = store;
    if (generations === undefined || records === undefined) {
      throw new RetrievalError(
        'unsupported_capability',
        `The ${store.kind} store keeps one generation of a collection; make a second collection with the other model instead`,
      );
    }
    return { generations, records };
  };

  const find = async (collection: string, id: number, options?: CallOptions): Promise<GenerationRecord> => {
    const all = await parts().generations.list(collection, options);
    const found = all.find((generation) => generation.id === id);
    if (found === undefined) throw noSuchGeneration(collection, id, all);
    return found;
  };
  const describe = async (
    collection: string,
    id: number,
    options?: CallOptions,
  ): Promise<GenerationDescription> => {
    const { records } = parts();
    const [found, gates] = await Promise.all([
      find(collection, id, options),
      latestGates(records, collection, options),
    ]);
    return toDescription(found, gates);
  };

  /** Builds what is missing and switches, until the two meet. */
  const switchTo = async (collection: Collection, id: number, options: CallOptions): Promise<void> => {
    const { generations, records } = parts();
    const ref = { collection: collection.name, generation: id };
    // Held until the switch: whoever ingests sees by it that this generation is to be written to as well.
    const lease = createBuildLease(records, ref, options);
    try {
      for (let attempt = 1; ; attempt += 1) {
        const found = await find(collection.name, id, options);
        if (found.missing > 0) {
          await buildGeneration({ ...ports, generations, records }, collection, found, {
            ...options,
            counts: found,
            lease,
          });
        }
        try {
          await generations.activate(ref, collection.generation.id, options);
          return;
        } catch (error) {
          const again = hasCode(error, 'generation_conflict') && Number(error.details['missing']) > 0;
          if (!again || attempt >= MAX_CATCH_UPS) throw error;
        }
        await delay(Math.min(attempt * 100, 1000), undefined, options).catch((reason: unknown) => {
          throw cancelled(reason);
        });
      }
    } finally {
      await lease.release();
    }
  };

  return {
    async list(name, options) {
      const { generations, records } = parts();
      await ports.getCollection(name, options);
      const [all, gates] = await Promise.all([
        generations.list(name, options),
        latestGates(records, name, options),
      ]);
      return all.map((generation) => toDescription(generation, gates));
    },

    async start(name, input, author, options) {
      const { generations, records } = parts();
      const collection = await ports.getCollection(name, options);
      const { generation: active } = collection;
      const embedder = await ports.openEmbedder(input.embedder ?? active.embedder);
      const spec = generationSpec(
        {
          chunker: input.chunker ?? active.chunker,
          index: input.index ?? active.index,
          metric: input.metric ?? active.metric,
        },
        store,
        embedder,
        collection.fields,
      );
      assertCapabilities(store, { ...spec, language: collection.language });
      assertChanges(collection, { ...spec });
      const made = await generations.create(name, spec, options);
      await remember(records, name, 'generation_started', summaryOf(made), author, options);
      return describe(name, made.id, options);
    },

    async build(name, id, author, options = {}) {
      const { generations, records } = parts();
      const collection = await ports.getCollection(name, options);
      const all = await generations.list(name, options);
      const found =
        id === undefined
          ? all.find(({ state }) => state === 'building')
          : all.find((generation) => generation.id === id);
      if (found === undefined) throw noSuchGeneration(name, id, all);
      if (found.state === 'active') {
        throw new RetrievalError(
          'generation_conflict',
          `Generation ${String(found.id)} is the active one; it needs no building`,
        );
      }
      const { signal, onProgress } = options;
      const summary = await buildGeneration({ ...ports, generations, records }, collection, found, {
        ...(signal === undefined ? {} : { signal }),
        onProgress,
        counts: found,
      });
      if (summary.documents > 0 || found.missing > 0) {
        const { generation, documents, chunks, embedded } = summary;
        await remember(
          records,
          name,
          'generation_built',
          { generation, documents, chunks, embedded },
          author,
          options,
        );
      }
      return summary;
    },

    async activate(name, id, author, options = {}) {
      const { records } = parts();
      const collection = await ports.getCollection(name, options);
      const from = collection.generation.id;
      const found = await find(name, id, options);
      if (found.state === 'active') return describe(name, id, options);
      const gate = (await latestGates(records, name, options)).get(id) ?? null;
      const isPassed = gate !== null && gate.passed && gate.against === from;
      if (!isPassed && author.force !== true) throw gateFailed(name, id, from, gate);
      await switchTo(collection, id, options);
      await remember(
        records,
        name,
        'activated',
        {
          generation: id,
          from,
          model_version: modelVersion(found.pin),
          forced: !isPassed,
          gate: gateOf(gate),
        },
        author,
        options,
      );
      return describe(name, id, options);
    },

    async rollback(name, author, options = {}) {
      const { generations, records } = parts();
      const collection = await ports.getCollection(name, options);
      const [latest] = (await generations.list(name, options))
        .filter(({ state }) => state === 'retired')
        .sort((a, b) => (a.changedAt < b.changedAt ? 1 : a.changedAt > b.changedAt ? -1 : b.id - a.id));
      if (latest === undefined) {
        throw new RetrievalError(
          'generation_not_found',
          `Collection "${name}" has no generation that was active before; there is nothing to go back to`,
        );
      }
      await switchTo(collection, latest.id, options);
      const details = {
        generation: latest.id,
        from: collection.generation.id,
        model_version: modelVersion(latest.pin),
      };
      await remember(records, name, 'rolled_back', details, author, options);
      return describe(name, latest.id, options);
    },

    async drop(name, id, author, options) {
      const { generations, records } = parts();
      await ports.getCollection(name, options);
      const found = await find(name, id, options);
      await generations.drop({ collection: name, generation: id }, options);
      await remember(records, name, 'generation_dropped', summaryOf(found), author, options);
    },

    async collectGarbage(name, days, author, options) {
      const { generations, records } = parts();
      await ports.getCollection(name, options);
      const latest = new Date(ports.now() - days * DAY_MS).toISOString();
      const due = (await generations.list(name, options)).filter(
        ({ state, changedAt }) => state === 'retired' && changedAt <= latest,
      );
      for (const found of due) {
        await generations.drop({ collection: name, generation: found.id }, options);
        await remember(records, name, 'generation_dropped', summaryOf(found), author, options);
      }
      return due.map(({ id }) => id);
    },

    async history(name, query, options) {
      const { records } = parts();
      await ports.getCollection(name, options);
      return readHistory(records, name, query, options);
    },

    async recordGate(name, result, author, options) {
      const { records } = parts();
      await records.append(name, GATE, result, options);
      const { generation, against, passed, reasons } = result;
      await remember(records, name, 'gate', { generation, against, passed, reasons }, author, options);
    },

    async note(name, event, details, author, options) {
      const { records } = store;
      // A store without records keeps no history; what is noted has happened all the same.
      if (records !== undefined) await remember(records, name, event, details, author, options);
    },
  };
}

function toDescription(
  generation: GenerationRecord,
  gates: ReadonlyMap<number, GateVerdict>,
): GenerationDescription {
  return {
    ...generation,
    modelVersion: modelVersion(generation.pin),
    gate: gates.get(generation.id) ?? null,
  };
}

/** A generation like the active one would cost its building and change nothing. */
function assertChanges(
  { name, generation: active }: Collection,
  spec: Pick<GenerationRecord, 'pin' | 'chunker' | 'metric' | 'index'>,
): void {
  const parts = (of: typeof spec): string =>
    JSON.stringify([canonicalPin(of.pin), sorted(of.chunker), of.metric, sorted(of.index)]);
  if (parts(active) !== parts(spec)) return;
  throw new RetrievalError(
    'invalid_request',
    `Generation ${String(active.id)} of collection "${name}" has this model, chunker and index already; name what is to be another`,
    { field: 'embedder' },
  );
}

function sorted(settings: ChunkerSettings | VectorIndex): unknown {
  return Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
}

function summaryOf({
  id,
  embedder,
  pin,
  chunker,
  index,
  metric,
}: Omit<GenerationRecord, 'createdAt' | 'changedAt' | 'chunks' | 'documents' | 'missing'>): JsonObject {
  return {
    generation: id,
    embedder,
    model_version: modelVersion(pin),
    chunker: { ...chunker },
    index: toJson(index),
    metric,
  };
}

function toJson(index: VectorIndex): JsonObject {
  if (index.kind !== 'hnsw') return { ...index };
  const { partitions, ...graph } = index;
  return { ...graph, ...(partitions === undefined ? {} : { partitions: { ...partitions } }) };
}

function gateOf(gate: GateVerdict | null): JsonObject | null {
  return gate === null
    ? null
    : { passed: gate.passed, against: gate.against, at: gate.at, reasons: gate.reasons };
}

function gateFailed(name: string, id: number, active: number, gate: GateVerdict | null): RetrievalError {
  const why =
    gate === null
      ? 'no gate has been run on it'
      : gate.against !== active
        ? `its latest gate compared it with generation ${String(gate.against)}, and ${String(active)} is active now`
        : `its gate failed: ${gate.reasons.join('; ')}`;
  return new RetrievalError(
    'gate_failed',
    `Generation ${String(id)} of collection "${name}" is not activated: ${why}. Run "plumbline gate ${name}", or activate with force and say why`,
    { field: 'generation', details: { generation: id, active, gate: gateOf(gate) } },
  );
}
