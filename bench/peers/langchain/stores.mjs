/**
 * LangChain.js' vector stores as their documentation uses them, with ready-made vectors. Loaded by
 * the benchmark into its own process, so that both sides have one clock.
 */
import { Document } from '@langchain/core/documents';
import { Embeddings } from '@langchain/core/embeddings';
import { OpenSearchVectorStore } from '@langchain/community/vectorstores/opensearch';
import { PGVectorStore } from '@langchain/community/vectorstores/pgvector';
import { Client } from '@opensearch-project/opensearch';

/** Vectors are given; nothing is ever embedded. */
class NoEmbeddings extends Embeddings {
  constructor() {
    super({});
  }
  embedDocuments() {
    return Promise.reject(new Error('Vectors are given'));
  }
  embedQuery() {
    return Promise.reject(new Error('Vectors are given'));
  }
}

const toDocuments = (rows) => rows.map(({ text, metadata }) => new Document({ pageContent: text, metadata }));

export async function openPgVector({ url, dimensions, m, efConstruction }) {
  const store = await PGVectorStore.initialize(new NoEmbeddings(), {
    postgresConnectionOptions: { connectionString: url },
    tableName: 'langchain',
    distanceStrategy: 'cosine',
    dimensions,
  });
  return {
    add: (rows) =>
      store.addVectors(
        rows.map(({ vector }) => vector),
        toDocuments(rows),
        { ids: rows.map(({ id }) => id) },
      ),
    finish: () => store.createHnswIndex({ dimensions, m, efConstruction }),
    search: (vector, k, filter) => search(store, vector, k, filter),
    close: () => store.end(),
  };
}

export async function openOpenSearch({ node, auth, index, engine, m, efConstruction }) {
  const client = new Client({ node, ...(auth === undefined ? {} : { auth }), requestTimeout: 600_000 });
  const store = new OpenSearchVectorStore(new NoEmbeddings(), {
    client,
    indexName: index,
    vectorSearchOptions: {
      engine,
      spaceType: 'cosinesimil',
      m,
      efConstruction,
      numberOfShards: 1,
      numberOfReplicas: 0,
    },
  });
  return {
    add: (rows) =>
      store.addVectors(
        rows.map(({ vector }) => vector),
        toDocuments(rows),
        { ids: rows.map(({ id }) => id) },
      ),
    finish: () => Promise.resolve(),
    search: (vector, k, filter) => search(store, vector, k, filter),
    close: () => client.close(),
  };
}

async function search(store, vector, k, filter) {
  const found = await store.similaritySearchVectorWithScore(vector, k, filter);
  return found.map(([document]) => document.metadata.chunkId);
}
