/**
 * The vector store on PostgreSQL with pgvector: over a server, or over PGlite embedded in this
 * process. Both run the very same statements.
 */
import { fromSql } from 'pgvector';
import { RetrievalError } from '../../errors.js';
import type { CallOptions, GenerationRef, StoreCapabilities, VectorStore } from '../port.js';
import { validateDimensions, validateVector } from '../validate.js';
import { createPgCatalog } from './catalog.js';
import type { Located } from './catalog.js';
import { createDatabase } from './database.js';
import type { Database, Driver } from './database.js';
import { deleteDocuments } from './delete-documents.js';
import { createParameters, filterSql } from './filter-sql.js';
import { finishLoad } from './finish-load.js';
import { keywordLeg } from './keyword-leg.js';
import { migrate } from './migrate.js';
import { countDocuments, getDocument, listDocuments, readChunks } from './read-documents.js';
import { extensionRowSchema, readRow } from './rows.js';
import { scoreChunks } from './score-chunks.js';
import { vectorLeg } from './vector-leg.js';
import { isAtLeast } from './versions.js';
import { analyzeBatch, writeDocuments } from './write-documents.js';
import { assertUniqueIds } from '../refusals.js';

export interface PgVectorOptions {
  readonly connection:
    | { readonly kind: 'postgresql'; readonly url: string; readonly poolSize: number }
    | { readonly kind: 'pglite'; readonly folder: string };
  /** Longest a statement of a query may take, in milliseconds. */
  readonly statementTimeoutMs: number;
}

const CAPABILITIES: StoreCapabilities = {
  metrics: ['cosine', 'dot', 'l2'],
  indexes: ['hnsw', 'ivfflat', 'none'],
  languages: ['english', 'none'],
  // pgvector's limit for an indexed vector.
  maxDimensions: 2000,
};

/**
 * Connects, and brings the schema to this version.
 * @throws RetrievalError `store_unavailable`, `data_folder_in_use`, `schema_too_new`
 */
export async function openPgVectorStore(options: PgVectorOptions): Promise<VectorStore> {
  const database = createDatabase(await openDriver(options));
  try {
    await migrate(database);
    await assertExtension(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return createStore(database);
}

async function openDriver({ connection, statementTimeoutMs }: PgVectorOptions): Promise<Driver> {
  switch (connection.kind) {
    case 'postgresql': {
      const { openPostgresql } = await import('./postgresql.js');
      return openPostgresql({ url: connection.url, poolSize: connection.poolSize, statementTimeoutMs });
    }
    case 'pglite': {
      const { openPglite } = await import('./pglite.js');
      return openPglite({ folder: connection.folder, statementTimeoutMs });
    }
    default:
      return connection satisfies never;
  }
}

function createStore(database: Database): VectorStore {
  const catalog = createPgCatalog(database);

  /** Runs over a generation; one that was located before and is gone by now says so. */
  const onGeneration = async <T>(
    ref: GenerationRef,
    options: CallOptions | undefined,
    run: (located: Located) => Promise<T>,
  ): Promise<T> => run(await catalog.locate(ref, options));

  return {
    kind: database.kind,
    capabilities: CAPABILITIES,
    async ping(options) {
      await database.query({ text: 'select 1' }, options);
    },
    close: () => database.close(),

    async createCollection(spec, options) {
      validateDimensions(database.kind, spec.pin.dimensions, CAPABILITIES.maxDimensions);
      return catalog.create(spec, options);
    },
    getCollection: async (name, options) => (await catalog.find(name, options))?.collection ?? null,
    listCollections: (options) => catalog.list(options),
    deleteCollection: (name, options) => catalog.delete(name, options),
    countCollection: (name, options) => catalog.count(name, options),
    addFields: (name, fields, options) => catalog.addFields(name, fields, options),

    async putDocuments(ref, pin, documents, options) {
      assertUniqueIds(documents);
      // Fresh: the columns are written, and another process may have added some.
      const located = await catalog.get(ref.collection, options);
      const analyzed = analyzeBatch(located, pin, documents);
      await database.transaction(
        (session) => writeDocuments(session, located, ref, pin, documents, analyzed),
        options,
      );
    },
    contentHashes: (ref, ids, options) =>
      onGeneration(ref, options, async ({ documents }) => {
        const rows = await database.query(
          { text: `select id, content_hash from ${documents} where id = any($1::text[])`, values: [ids] },
          options,
        );
        return new Map(rows.map((row) => [String(row['id']), String(row['content_hash'])]));
      }),
    documentVectors: (ref, id, options) =>
      onGeneration(ref, options, async ({ tables }) => {
        const rows = await database.query(
          {
            text: `select c.text_hash, v.embedding::text as embedding
              from ${tables.chunks} c join ${tables.vectors} v on v.key = c.key where c.document_id = $1`,
            values: [id],
          },
          options,
        );
        return new Map(rows.map((row) => [String(row['text_hash']), toVector(row['embedding'])]));
      }),
    getDocument: async (name, id, options) =>
      getDocument(database, await catalog.get(name, options), id, options),
    documentChunks: (ref, id, options) =>
      onGeneration(ref, options, (located) =>
        readChunks(
          database,
          located,
          'c.document_id = $1 and c.ordinal between $2 and $3',
          [id, options?.from ?? 0, Math.min(options?.to ?? MAX_ORDINAL, MAX_ORDINAL)],
          options,
        ),
      ),
    listDocuments: async (name, query, options) =>
      listDocuments(database, await catalog.get(name, options), query, options),
    countDocuments: async (name, filter, options) =>
      countDocuments(database, await catalog.get(name, options), filter, options),
    async deleteDocuments(name, ids, options) {
      const located = await catalog.get(name, options);
      return deleteDocuments(database, located, 'id = any($1::text[])', [ids], options);
    },
    async deleteByFilter(name, filter, options) {
      const located = await catalog.get(name, options);
      const parameters = createParameters();
      const condition = filterSql(filter, located.columns, parameters);
      return deleteDocuments(database, located, condition, parameters.values, options);
    },
    async finishLoad(ref, options) {
      const located = await catalog.get(ref.collection, options);
      await finishLoad(database, located, ref, options);
      await catalog.get(ref.collection, options);
    },

    vectorLeg: (ref, query, options) =>
      onGeneration(ref, options, (located) => {
        assertVector(located, query.vector);
        return vectorLeg(database, located, query, options);
      }),
    keywordLeg: (ref, query, options) =>
      onGeneration(ref, options, (located) => keywordLeg(database, located, query, options)),
    scoreChunks: (ref, query, options) =>
      onGeneration(ref, options, (located) => {
        if (query.vector !== undefined) assertVector(located, query.vector);
        return scoreChunks(database, located, query, options);
      }),
    getChunks: (ref, ids, options) =>
      onGeneration(ref, options, async (located) => {
        const chunks = await readChunks(database, located, 'c.chunk_id = any($1::text[])', [ids], options);
        return new Map(chunks.map((chunk) => [chunk.id, chunk]));
      }),
  };
}

const MAX_ORDINAL = 2_147_483_647;

function assertVector({ collection }: Located, vector: Float32Array): void {
  validateVector(vector, collection.generation.pin.dimensions, collection.generation.metric);
}

function toVector(text: unknown): Float32Array {
  const numbers: unknown = typeof text === 'string' ? fromSql(text) : null;
  if (Array.isArray(numbers)) return Float32Array.from(numbers as readonly number[]);
  throw new RetrievalError('store_invalid_response', 'A stored vector is not as it was written');
}

/** Iterative scans, without which a filter starves a query, came with pgvector 0.8. */
async function assertExtension(database: Database): Promise<void> {
  const [row] = await database.query({
    text: "select extversion from pg_extension where extname = 'vector'",
  });
  const version = readRow(extensionRowSchema, row).extversion;
  if (isAtLeast(version, [0, 8])) return;
  throw new RetrievalError(
    'store_error',
    `pgvector ${version} is too old; Plumbline needs 0.8 or newer. Run "alter extension vector update"`,
    { details: { found: version, needed: '0.8' } },
  );
}
