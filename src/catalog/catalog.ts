/** Collections and their documents, over a store. */
import type { ChunkerSettings, Collection, JsonValue, Pin, VectorIndex } from '../model.js';
import type { Embedder } from '../embedders/port.js';
import { RetrievalError } from '../errors.js';
import { SYSTEM_FIELDS, assertFields } from '../metadata/fields.js';
import { modelVersion } from '../pin.js';
import { matchesEverything } from '../retrieval/filter/matches-everything.js';
import { parseFilter } from '../retrieval/filter/parse.js';
import type { CallOptions, CollectionSpec, VectorStore } from '../stores/port.js';
import { assertCollectionName } from './names.js';
import type { Catalog, CollectionDescription, NewCollection } from './types.js';

const DEFAULT_CHUNKER = { kind: 'structure', targetTokens: 400, overlapTokens: 50 } as const;
const DEFAULT_INDEXES: { readonly [Kind in VectorIndex['kind']]: VectorIndex & { readonly kind: Kind } } = {
  hnsw: { kind: 'hnsw', m: 16, efConstruction: 128, buildAfter: 20_000 },
  ivfflat: { kind: 'ivfflat', lists: 'auto', buildAfter: 20_000 },
  none: { kind: 'none' },
};

export interface CatalogPorts {
  readonly store: VectorStore;
  openEmbedder(name: string): Promise<Pick<Embedder, 'name' | 'pin'>>;
}

export function createCatalog(ports: CatalogPorts): Catalog {
  const { store } = ports;

  const getCollection = async (name: string, options?: CallOptions): Promise<Collection> => {
    assertCollectionName(name);
    const collection = await store.getCollection(name, options);
    if (collection === null) throw noCollection(name);
    return collection;
  };

  const describe = async (collection: Collection, options?: CallOptions): Promise<CollectionDescription> => ({
    ...collection,
    counts: await store.countCollection(collection.name, options),
    modelVersion: modelVersion(collection.generation.pin),
  });

  return {
    getCollection,

    async createCollection(input, options) {
      assertCollectionName(input.name);
      const embedder = await ports.openEmbedder(input.embedder);
      const spec = toSpec(input, store, embedder.name, embedder.pin);
      assertCapabilities(store, spec);
      return describe(await store.createCollection(spec, options), options);
    },

    async describeCollection(name, options) {
      return describe(await getCollection(name, options), options);
    },

    async listCollections(options) {
      const collections = await store.listCollections(options);
      return Promise.all(collections.map((collection) => describe(collection, options)));
    },

    async deleteCollection(name, options) {
      assertCollectionName(name);
      if (!(await store.deleteCollection(name, options))) throw noCollection(name);
    },

    async getDocument(name, id, options) {
      const collection = await getCollection(name, options);
      const document = await store.getDocument(name, id, options);
      if (document === null) throw noDocument(name);
      const ref = { collection: name, generation: collection.generation.id };
      return { ...document, chunks: await store.documentChunks(ref, id, options) };
    },

    async listDocuments(name, query, options) {
      const { fields } = await getCollection(name, options);
      return store.listDocuments(
        name,
        {
          filter: parseFilter(query.filter ?? {}, fields),
          limit: query.limit,
          ...(query.after === undefined ? {} : { after: query.after }),
        },
        options,
      );
    },

    async countDocuments(name, filter, options) {
      const { fields } = await getCollection(name, options);
      return store.countDocuments(name, parseFilter(filter ?? {}, fields), options);
    },

    async deleteDocument(name, id, options) {
      await getCollection(name, options);
      if ((await store.deleteDocuments(name, [id], options)) === 0) throw noDocument(name);
    },

    async deleteByFilter(name, filter: JsonValue, options) {
      const { fields } = await getCollection(name, options);
      const parsed = parseFilter(filter, fields);
      if (matchesEverything(parsed)) {
        throw new RetrievalError(
          'invalid_filter',
          'This filter matches every document. Name what to delete, or delete the collection',
          { field: 'filter' },
        );
      }
      return store.deleteByFilter(name, parsed, options);
    },
  };
}

function toSpec(
  input: NewCollection,
  { capabilities }: VectorStore,
  embedder: string,
  pin: Pin,
): CollectionSpec {
  const fields = input.fields ?? {};
  assertFields(fields);
  return {
    name: input.name,
    fieldMode: input.fieldMode ?? (input.fields === undefined ? 'inferred' : 'declared'),
    fields: { ...fields, ...SYSTEM_FIELDS },
    language: input.language ?? 'english',
    embedder,
    pin,
    chunker: chunkerSettings(input.chunker),
    metric: input.metric ?? metricOf(pin),
    index: indexSettings(input.index ?? DEFAULT_INDEXES[capabilities.indexes[0] ?? 'none']),
  };
}

/** @throws RetrievalError `invalid_request` naming the setting. */
export function chunkerSettings(input: NewCollection['chunker']): ChunkerSettings {
  const settings = { ...DEFAULT_CHUNKER, ...input };
  assertRange('chunker.target_tokens', settings.targetTokens, 16, 8192);
  assertRange('chunker.overlap_tokens', settings.overlapTokens, 0, Math.floor(settings.targetTokens / 2));
  return settings;
}

function indexSettings(input: VectorIndex): VectorIndex {
  switch (input.kind) {
    case 'hnsw':
      assertRange('index.m', input.m, 2, 100);
      assertRange('index.ef_construction', input.efConstruction, 2 * input.m, 1000);
      assertRange('index.build_after', input.buildAfter, 0, Number.MAX_SAFE_INTEGER);
      return input;
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

function assertRange(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RetrievalError(
    'invalid_request',
    `${field} is ${String(value)}; it must be a whole number from ${String(least)} to ${String(most)}`,
    { field },
  );
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

function assertCapabilities(store: VectorStore, spec: CollectionSpec): void {
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
  if (!capabilities.languages.includes(spec.language)) {
    refuse('language', `language "${spec.language}"`, capabilities.languages);
  }
  if (spec.pin.dimensions > capabilities.maxDimensions) {
    refuse('embedder', `room for ${String(spec.pin.dimensions)} dimensions`, [
      `up to ${String(capabilities.maxDimensions)}`,
    ]);
  }
}

function noCollection(name: string): RetrievalError {
  return new RetrievalError('collection_not_found', `There is no collection "${name}"`, { field: 'name' });
}

function noDocument(collection: string): RetrievalError {
  return new RetrievalError('document_not_found', `Collection "${collection}" has no document of this id`, {
    field: 'id',
  });
}
