/** The vector store on OpenSearch with its k-NN plugin. */
import { randomUUID } from 'node:crypto';
import { RetrievalError } from '../../errors.js';
import type { CollectionSpec, StoreCapabilities, VectorStore } from '../port.js';
import { validateDimensions, validateVector } from '../validate.js';
import { createCatalog } from './catalog.js';
import type { Located } from './catalog.js';
import { connect } from './connection.js';
import type { ConnectionOptions } from './connection.js';
import { keywordLeg } from './keyword-leg.js';
import type { VectorEngine } from './mappings.js';
import { purge } from './purge.js';
import {
  contentHashes,
  countCollection,
  countDocuments,
  documentChunks,
  documentVectors,
  getChunks,
  getDocument,
  listDocuments,
} from './read-documents.js';
import { scoreChunks } from './score-chunks.js';
import { createSearcher } from './search.js';
import { createWriter } from './transaction.js';
import { vectorLeg } from './vector-leg.js';
import type { SizeHints } from './vector-leg.js';
import { deleteByFilter, deleteDocuments, writeDocuments } from './write-documents.js';

export interface OpenSearchOptions extends ConnectionOptions {
  /** What the names of all indexes begin with. */
  readonly prefix: string;
  readonly engine: VectorEngine;
}

const CAPABILITIES: StoreCapabilities = {
  metrics: ['cosine', 'dot', 'l2'],
  indexes: ['hnsw', 'none'],
  languages: ['english', 'none'],
  // The k-NN plugin's limit.
  maxDimensions: 16_000,
};

/**
 * Connects, and makes the catalog's index where it is missing.
 * @throws RetrievalError `store_unavailable`, `schema_too_new`
 */
export async function openOpenSearchStore(options: OpenSearchOptions): Promise<VectorStore> {
  const connection = connect(options);
  const searcher = createSearcher(connection, randomUUID());
  const catalog = createCatalog(connection, searcher, options);
  const writer = createWriter(connection, searcher);
  const hints: SizeHints = new Map();
  try {
    await catalog.open();
  } catch (error) {
    await connection.close();
    throw error;
  }

  return {
    kind: 'opensearch',
    capabilities: CAPABILITIES,
    async ping(callOptions) {
      await connection.send({ method: 'GET', path: '/' }, callOptions);
    },
    close: () => connection.close(),

    async createCollection(spec, callOptions) {
      assertCapable(spec);
      return catalog.create(spec, callOptions);
    },
    getCollection: async (name, callOptions) => (await catalog.find(name, callOptions))?.collection ?? null,
    listCollections: (callOptions) => catalog.list(callOptions),
    deleteCollection: (name, callOptions) => catalog.delete(name, callOptions),
    countCollection: async (name, callOptions) =>
      countCollection(searcher, await catalog.get(name, callOptions), callOptions),
    addFields: (name, fields, callOptions) => catalog.addFields(name, fields, callOptions),

    async putDocuments(ref, pin, documents, callOptions) {
      // Fresh: the columns are written, and another process may have added some.
      const located = await catalog.getGeneration(ref, callOptions);
      await catalog.mapFields(located, callOptions);
      await writeDocuments(writer, located, pin, documents, callOptions);
    },
    contentHashes: async (ref, ids, callOptions) =>
      contentHashes(searcher, await catalog.locate(ref, callOptions), ids, callOptions),
    documentVectors: async (ref, id, callOptions) =>
      documentVectors(searcher, await catalog.locate(ref, callOptions), id, callOptions),
    getDocument: async (name, id, callOptions) =>
      getDocument(searcher, await catalog.get(name, callOptions), id, callOptions),
    documentChunks: async (ref, id, callOptions) =>
      documentChunks(searcher, await catalog.locate(ref, callOptions), id, callOptions ?? {}, callOptions),
    listDocuments: async (name, query, callOptions) =>
      listDocuments(searcher, await catalog.get(name, callOptions), query, callOptions),
    countDocuments: async (name, filter, callOptions) =>
      countDocuments(searcher, await catalog.get(name, callOptions), filter, callOptions),
    deleteDocuments: async (name, ids, callOptions) =>
      deleteDocuments(writer, await catalog.get(name, callOptions), ids, callOptions),
    deleteByFilter: async (name, filter, callOptions) =>
      deleteByFilter(writer, searcher, await catalog.get(name, callOptions), filter, callOptions),
    async finishLoad(ref, callOptions) {
      const located = await catalog.getGeneration(ref, callOptions);
      await purge(connection, searcher, writer, located, callOptions);
    },

    async vectorLeg(ref, query, callOptions) {
      const located = await catalog.locate(ref, callOptions);
      assertVector(located, query.vector);
      return vectorLeg(searcher, located, query, hints, callOptions);
    },
    keywordLeg: async (ref, query, callOptions) =>
      keywordLeg(searcher, await catalog.locate(ref, callOptions), query, callOptions),
    async scoreChunks(ref, query, callOptions) {
      const located = await catalog.locate(ref, callOptions);
      if (query.vector !== undefined) assertVector(located, query.vector);
      return scoreChunks(searcher, located, query, callOptions);
    },
    getChunks: async (ref, ids, callOptions) =>
      getChunks(searcher, await catalog.locate(ref, callOptions), ids, callOptions),
  };
}

function assertCapable({ pin, index }: CollectionSpec): void {
  validateDimensions('opensearch', pin.dimensions, CAPABILITIES.maxDimensions);
  if (CAPABILITIES.indexes.includes(index.kind)) return;
  throw new RetrievalError(
    'unsupported_capability',
    `The opensearch store has no ${index.kind} index; choose one of ${CAPABILITIES.indexes.join(', ')}`,
    { field: 'index.kind' },
  );
}

function assertVector({ collection }: Located, vector: Float32Array): void {
  const { pin, metric } = collection.generation;
  validateVector(vector, pin.dimensions, metric);
}
