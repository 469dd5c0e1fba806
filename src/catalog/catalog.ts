/** Collections and their documents, over a store. */
import type { Collection, JsonValue, Pin } from '../model.js';
import type { Embedder } from '../embedders/port.js';
import { RetrievalError } from '../errors.js';
import { SYSTEM_FIELDS, assertFields } from '../metadata/fields.js';
import { isStorable } from '../metadata/values.js';
import { modelVersion } from '../pin.js';
import { matchesEverything } from '../retrieval/filter/matches-everything.js';
import { parseFilter } from '../retrieval/filter/parse.js';
import type { CallOptions, CollectionSpec, VectorStore } from '../stores/port.js';
import { assertCapabilities, generationSpec } from './generation-spec.js';
import { assertCollectionName } from './names.js';
import type { Catalog, CollectionDescription, NewCollection } from './types.js';

export interface CatalogPorts {
  readonly store: VectorStore;
  openEmbedder(name: string): Promise<Pick<Embedder, 'name' | 'pin'>>;
}

/** Ids of one look-up: a statement has room for so many. */
const IDS_AT_ONCE = 1000;

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
      const document = isStorable(id) ? await store.getDocument(name, id, options) : null;
      if (document === null) throw noDocument(name);
      const ref = { collection: name, generation: collection.generation.id };
      return { ...document, chunks: await store.documentChunks(ref, id, options) };
    },

    async presentDocuments(name, ids, options) {
      const { generation } = await getCollection(name, options);
      const ref = { collection: name, generation: generation.id };
      const present = new Set<string>();
      const possible = ids.filter(isStorable);
      for (let at = 0; at < possible.length; at += IDS_AT_ONCE) {
        const found = await store.contentHashes(ref, possible.slice(at, at + IDS_AT_ONCE), options);
        for (const id of found.keys()) present.add(id);
      }
      return present;
    },

    async listDocuments(name, query, options) {
      const { fields } = await getCollection(name, options);
      if (query.after !== undefined && !isStorable(query.after)) throw noCursor();
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
      if (!isStorable(id) || (await store.deleteDocuments(name, [id], options)) === 0) throw noDocument(name);
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

function toSpec(input: NewCollection, store: VectorStore, embedder: string, pin: Pin): CollectionSpec {
  const given = input.fields ?? {};
  assertFields(given);
  const fields = { ...given, ...SYSTEM_FIELDS };
  return {
    name: input.name,
    fieldMode: input.fieldMode ?? (input.fields === undefined ? 'inferred' : 'declared'),
    fields,
    language: input.language ?? 'english',
    ...generationSpec(input, store, { name: embedder, pin }, fields),
  };
}

function noCollection(name: string): RetrievalError {
  return new RetrievalError('collection_not_found', `There is no collection "${name}"`, { field: 'name' });
}

function noCursor(): RetrievalError {
  return new RetrievalError(
    'invalid_request',
    'after is no document\'s id; give the "next" of the page before',
    {
      field: 'after',
    },
  );
}

function noDocument(collection: string): RetrievalError {
  return new RetrievalError('document_not_found', `Collection "${collection}" has no document of this id`, {
    field: 'id',
  });
}
