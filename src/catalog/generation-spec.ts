/** What a generation is made with: asked for, completed, and within what the store can do. */
import type { Embedder } from '../embedders/port.js';
import { RetrievalError } from '../errors.js';
import type { Fields, Language, Pin, VectorIndex } from '../model.js';
import { modelVersion } from '../pin.js';
import type { GenerationSpec } from '../stores/generations-port.js';
import type { VectorStore } from '../stores/port.js';
import { assertRange } from './assert-range.js';
import { chunkerSettings } from './chunker.js';
import { partitionSettings } from './partitions.js';
import type { NewCollection, NewVectorIndex } from './types.js';

const DEFAULT_HNSW = { m: 16, efConstruction: 128 };
const DEFAULT_INDEXES: Readonly<Record<VectorIndex['kind'], NewVectorIndex>> = {
  hnsw: { kind: 'hnsw', buildAfter: 20_000 },
  ivfflat: { kind: 'ivfflat', lists: 'auto', buildAfter: 20_000 },
  none: { kind: 'none' },
};

/**
 * @param fields those of the collection
 * @throws RetrievalError `invalid_request` naming the setting.
 */
export function generationSpec(
  input: Pick<NewCollection, 'chunker' | 'metric' | 'index'>,
  { capabilities }: Pick<VectorStore, 'capabilities'>,
  embedder: Pick<Embedder, 'name' | 'pin'>,
  fields: Fields,
): GenerationSpec {
  return {
    embedder: embedder.name,
    pin: embedder.pin,
    chunker: chunkerSettings(input.chunker),
    metric: input.metric ?? metricOf(embedder.pin),
    index: indexSettings(
      input.index ?? DEFAULT_INDEXES[capabilities.indexes[0] ?? 'none'],
      { ...DEFAULT_HNSW, ...capabilities.hnswDefaults },
      fields,
    ),
  };
}

/** Fills in what was left to the store, and checks the whole. */
function indexSettings(input: NewVectorIndex, defaults: typeof DEFAULT_HNSW, fields: Fields): VectorIndex {
  switch (input.kind) {
    case 'hnsw': {
      const { m = defaults.m, efConstruction = defaults.efConstruction, partitions, ...rest } = input;
      assertRange('index.m', m, 2, 100);
      assertRange('index.ef_construction', efConstruction, 2 * m, 1000);
      assertRange('index.build_after', input.buildAfter, 0, Number.MAX_SAFE_INTEGER);
      if (input.onDisk === true && input.compression === undefined) {
        throw new RetrievalError('invalid_request', 'index.on_disk needs an index.compression, such as 32x', {
          field: 'index.compression',
        });
      }
      return {
        ...rest,
        m,
        efConstruction,
        ...(partitions === undefined ? {} : { partitions: partitionSettings(partitions, fields) }),
      };
    }
    case 'ivfflat':
      if (input.lists !== 'auto') assertRange('index.lists', input.lists, 1, 32_768);
      assertRange('index.build_after', input.buildAfter, 0, Number.MAX_SAFE_INTEGER);
      return input;
    case 'none':
      return input;
    default:
      return input satisfies never;
  }
}

/** Of unit vectors all metrics rank alike, so naming one is free; of others it must be said. */
function metricOf(pin: Pin): 'cosine' {
  if (pin.normalized) return 'cosine';
  throw new RetrievalError(
    'invalid_request',
    `Vectors of ${modelVersion(pin)} are not of unit length, so the metric decides the ranking: name cosine, dot or l2`,
    { field: 'metric' },
  );
}

/** @throws RetrievalError `unsupported_capability` naming the field. */
export function assertCapabilities(
  store: Pick<VectorStore, 'kind' | 'capabilities'>,
  spec: GenerationSpec & { readonly language: Language },
): void {
  const { capabilities } = store;
  const refuse = (field: string, what: string, known: readonly unknown[]): never => {
    throw new RetrievalError(
      'unsupported_capability',
      `The ${store.kind} store has no ${what}; it has ${known.join(', ')}`,
      { field },
    );
  };
  if (!capabilities.metrics.includes(spec.metric)) {
    refuse('metric', `metric "${spec.metric}"`, capabilities.metrics);
  }
  if (!capabilities.indexes.includes(spec.index.kind)) {
    refuse('index', `index "${spec.index.kind}"`, capabilities.indexes);
  }
  if (spec.index.kind === 'hnsw') {
    const { compression, onDisk, partitions } = spec.index;
    const { levels, onDisk: hasOnDisk } = capabilities.compression ?? { levels: [], onDisk: false };
    if (compression !== undefined && !levels.includes(compression)) {
      refuse('index.compression', `compression "${compression}"`, levels.length === 0 ? ['none'] : levels);
    }
    if (onDisk === true && !hasOnDisk) refuse('index.on_disk', 'index on disk', ['those in memory']);
    if (partitions !== undefined && capabilities.partitions !== true) {
      refuse('index.partitions', 'index in partitions', ['those in one piece']);
    }
  }
  if (!capabilities.languages.includes(spec.language)) {
    refuse('language', `language "${spec.language}"`, capabilities.languages);
  }
  if (spec.pin.dimensions > capabilities.maxDimensions) {
    refuse('embedder', `room for ${String(spec.pin.dimensions)} dimensions`, [
      `up to ${String(capabilities.maxDimensions)}`,
    ]);
  }
}
