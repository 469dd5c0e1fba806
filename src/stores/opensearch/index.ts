/** The vector store on OpenSearch with its k-NN plugin. */
import { randomUUID } from 'node:crypto';
import { assertSamePin } from '../../pin.js';
import { notActive } from '../refusals.js';
import type { VectorStore } from '../port.js';
import { validateVector } from '../validate.js';
import { assertCapable, capabilitiesOf } from './capabilities.js';
import { createCatalog } from './catalog.js';
import type { Located } from './catalog.js';
import { createRecords } from './collection-records.js';
import { createCollectionTurns } from './collection-turn.js';
import { connect } from './connection.js';
import type { ConnectionOptions } from './connection.js';
import { createGenerations } from './generations.js';
import { keywordLeg } from './keyword-leg.js';
import type { VectorEngine } from './mappings.js';
import { createOrigins } from './origins.js';
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

/**
 * Connects, and makes the catalog's index where it is missing.
 * @throws RetrievalError `store_unavailable`, `schema_too_new`, `invalid_config`; `unsupported_capability`
 *   for Amazon OpenSearch Serverless
 */
export async function openOpenSearchStore(options: OpenSearchOptions): Promise<VectorStore> {
  const connection = connect(options);
  const searcher = createSearcher(connection, randomUUID());
  const catalog = createCatalog(connection, searcher, options);
  const writer = createWriter(connection, searcher);
  const turns = createCollectionTurns(writer, catalog);
  const writing = { turns, searcher, catalog };
  const hints: SizeHints = new Map();
  const origins = createOrigins();
  try {
    await catalog.open();
  } catch (error) {
    await connection.close();
    throw error;
  }

  return {
    kind: 'opensearch',
    capabilities: capabilitiesOf(options.engine),
    generations: createGenerations({ ...writing, catalog, engine: options.engine }),
    records: createRecords(connection, searcher, catalog),
    async ping(callOptions) {
      await connection.send({ method: 'GET', path: '/' }, callOptions);
    },
    close: () => connection.close(),

    async createCollection(spec, callOptions) {
      assertCapable(spec, options.engine);
      return catalog.create(spec, callOptions);
    },
    getCollection: async (name, callOptions) => (await catalog.find(name, callOptions))?.collection ?? null,
    listCollections: (callOptions) => catalog.list(callOptions),
    deleteCollection: (name, callOptions) => catalog.delete(name, callOptions),
    countCollection: async (name, callOptions) =>
      countCollection(searcher, await catalog.get(name, callOptions), callOptions),
    addFields: (name, fields, callOptions) => catalog.addFields(name, fields, callOptions),

    async putDocuments(ref, pin, documents, callOptions) {
      const located = await catalog.locate(ref, callOptions);
      if (documents.length > 0) return writeDocuments(writing, located, pin, documents, callOptions);
      const { collection } = await catalog.getGeneration(ref, callOptions);
      assertSamePin(ref.collection, collection.generation.pin, pin);
      if (collection.generation.state !== 'active') throw notActive(ref);
    },
    async contentHashes(ref, ids, callOptions) {
      const located = await catalog.locate(ref, callOptions);
      if (located.collection.generation.state === 'active') {
        return contentHashes(searcher, located, ids, callOptions);
      }
      // They are the collection's, and the active generation has all of its documents.
      await catalog.getGeneration(ref, callOptions);
      return contentHashes(searcher, await catalog.get(ref.collection, callOptions), ids, callOptions);
    },
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
    deleteDocuments: (name, ids, callOptions) =>
      ids.length === 0
        ? catalog.get(name, callOptions).then(() => 0)
        : deleteDocuments(writing, name, ids, callOptions),
    deleteByFilter: (name, filter, callOptions) => deleteByFilter(writing, name, filter, callOptions),
    async finishLoad(ref, callOptions) {
      const located = await catalog.getGeneration(ref, callOptions);
      await purge(connection, searcher, writer, catalog, located, callOptions);
    },

    async vectorLeg(ref, query, callOptions) {
      const located = await catalog.locate(ref, callOptions);
      assertVector(located, query.vector);
      const answer = await vectorLeg(searcher, located, query, hints, callOptions);
      origins.remember(answer.hits);
      return answer;
    },
    async keywordLeg(ref, query, callOptions) {
      const hits = await keywordLeg(searcher, await catalog.locate(ref, callOptions), query, callOptions);
      origins.remember(hits);
      return hits;
    },
    async scoreChunks(ref, query, callOptions) {
      const located = await catalog.locate(ref, callOptions);
      if (query.vector !== undefined) assertVector(located, query.vector);
      return scoreChunks(searcher, located, query, callOptions);
    },
    getChunks: async (ref, ids, callOptions) =>
      getChunks(searcher, await catalog.locate(ref, callOptions), ids, origins, callOptions),
  };
}

function assertVector({ collection }: Located, vector: Float32Array): void {
  const { pin, metric } = collection.generation;
  validateVector(vector, pin.dimensions, metric);
}
