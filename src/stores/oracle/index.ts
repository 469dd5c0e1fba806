/**
 * The vector store on Oracle Database 23ai or newer. Vectors, filters and keywords are plain SQL:
 * no Oracle Text, no model in the database.
 */
import { RetrievalError } from '../../errors.js';
import type { CallOptions, GenerationRef, StoreCapabilities, VectorStore } from '../port.js';
import { validateDimensions, validateVector } from '../validate.js';
import { createBinds } from './binds.js';
import { createOracleCatalog } from './catalog.js';
import type { Located } from './catalog.js';
import { openServer } from './connection.js';
import type { ServerConnection } from './connection.js';
import { createDatabase } from './database.js';
import type { Database, Driver } from './database.js';
import { deleteDocuments } from './delete-documents.js';
import { translate } from './errors.js';
import { filterSql } from './filter-sql.js';
import { finishLoad } from './finish-load.js';
import { sweep } from './garbage.js';
import { createOracleGenerations } from './generations.js';
import { keywordLeg } from './keyword-leg.js';
import { migrate } from './migrate.js';
import { DEFAULT_PREFIX, PREFIX, createNames } from './names.js';
import type { Names } from './names.js';
import {
  contentHashes,
  countDocuments,
  documentChunks,
  documentVectors,
  getChunks,
  getDocument,
  listDocuments,
} from './read-documents.js';
import { createOracleRecords } from './records.js';
import { scoreChunks } from './score-chunks.js';
import { vectorLeg } from './vector-leg.js';
import { analyzeBatch, analyzeBeside } from '../analyze-batch.js';
import { writeDocuments } from './write-documents.js';
import { assertUniqueIds, notActive } from '../refusals.js';

export interface OracleOptions extends ServerConnection {
  /** What the names of all tables begin with; `plumbline` where undefined. */
  readonly prefix?: string;
}

const KIND = 'oracle';

const CAPABILITIES: StoreCapabilities = {
  metrics: ['cosine', 'dot', 'l2'],
  // HNSW needs memory that the server has to be given first, so it is no default.
  indexes: ['ivfflat', 'hnsw', 'none'],
  languages: ['english', 'none'],
  maxDimensions: 65_535,
};

/**
 * Connects, and brings the schema to this version.
 * @throws RetrievalError `store_unavailable`, `store_error`, `schema_too_new`
 */
export async function openOracleStore({ prefix, ...server }: OracleOptions): Promise<VectorStore> {
  let driver: Driver;
  try {
    driver = await openServer(server);
  } catch (error) {
    throw translate(error, undefined);
  }
  return openOracleStoreOn(driver, prefix);
}

/** The same over connections from elsewhere. */
export async function openOracleStoreOn(driver: Driver, prefix = DEFAULT_PREFIX): Promise<VectorStore> {
  if (!PREFIX.test(prefix)) {
    throw new RetrievalError('invalid_config', 'The prefix of Oracle tables is no short lower-case name', {
      field: 'PLUMBLINE_STORE_URL',
    });
  }
  const database = createDatabase(driver);
  const names = createNames(prefix);
  try {
    await assertCharacterSet(database);
    await migrate(database, names, prefix);
    await sweep(database, names);
  } catch (error) {
    await database.close();
    throw error;
  }
  return createStore(database, names);
}

function createStore(database: Database, names: Names): VectorStore {
  const catalog = createOracleCatalog(database, names);

  /** Runs over a generation; one that was located before and is gone by now says so. */
  const onGeneration = async <T>(
    ref: GenerationRef,
    options: CallOptions | undefined,
    run: (located: Located) => Promise<T>,
  ): Promise<T> => run(await catalog.locate(ref, options));

  return {
    kind: KIND,
    capabilities: CAPABILITIES,
    generations: createOracleGenerations({
      database,
      catalog,
      names,
      maxDimensions: CAPABILITIES.maxDimensions,
    }),
    records: createOracleRecords({ database, catalog, names }),
    async ping(options) {
      await database.query({ text: 'SELECT 1 AS one FROM DUAL' }, options);
    },
    close: () => database.close(),

    async createCollection(spec, options) {
      validateDimensions(KIND, spec.pin.dimensions, CAPABILITIES.maxDimensions);
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
      const located = await catalog.read(ref, options);
      if (located.collection.generation.state !== 'active') throw notActive(ref);
      const batches = [
        { generation: ref.generation, pin, analyzed: analyzeBatch(located.collection, pin, documents) },
        ...(await analyzeBeside(
          (other) => catalog.locate(other, options),
          ref,
          documents,
          options?.beside ?? [],
        )),
      ];
      await database.transaction(
        (session) => writeDocuments(session, names, located, ref, documents, batches),
        options,
      );
    },
    contentHashes: (ref, ids, options) =>
      onGeneration(ref, options, (located) => contentHashes(database, located, ids, options)),
    documentVectors: (ref, id, options) =>
      onGeneration(ref, options, (located) => documentVectors(database, located, id, options)),
    getDocument: async (name, id, options) =>
      getDocument(database, await catalog.get(name, options), id, options),
    documentChunks: (ref, id, options) =>
      onGeneration(ref, options, (located) =>
        documentChunks(
          database,
          located,
          id,
          { from: options?.from ?? 0, to: Math.min(options?.to ?? MAX_ORDINAL, MAX_ORDINAL) },
          options,
        ),
      ),
    listDocuments: async (name, query, options) =>
      listDocuments(database, await catalog.get(name, options), query, options),
    countDocuments: async (name, filter, options) =>
      countDocuments(database, await catalog.get(name, options), filter, options),
    async deleteDocuments(name, ids, options) {
      const located = await catalog.get(name, options);
      return deleteDocuments(database, names, located, { ids: [...new Set(ids)] }, options);
    },
    async deleteByFilter(name, filter, options) {
      const located = await catalog.get(name, options);
      const binds = createBinds();
      const condition = filterSql(filter, located, binds);
      return deleteDocuments(database, names, located, { condition, binds }, options);
    },
    async finishLoad(ref, options) {
      const located = await catalog.read(ref, options);
      await finishLoad(database, names, located, ref, options);
      await catalog.read(ref, options);
    },

    vectorLeg: (ref, query, options) =>
      onGeneration(ref, options, (located) => {
        assertVector(located, query.vector);
        return vectorLeg(database, located, query, options);
      }),
    keywordLeg: (ref, query, options) =>
      onGeneration(ref, options, (located) => keywordLeg(database, names, located, query, options)),
    scoreChunks: (ref, query, options) =>
      onGeneration(ref, options, (located) => {
        if (query.vector !== undefined) assertVector(located, query.vector);
        return scoreChunks(database, names, located, query, options);
      }),
    getChunks: (ref, ids, options) =>
      onGeneration(ref, options, (located) => getChunks(database, located, ids, options)),
  };
}

const MAX_ORDINAL = 2_147_483_647;

function assertVector({ collection }: Located, vector: Float32Array): void {
  validateVector(vector, collection.generation.pin.dimensions, collection.generation.metric);
}

/** In any other character set, texts would lose characters and strings would not compare by code point. */
async function assertCharacterSet(database: Database): Promise<void> {
  const rows = await database.query({ text: 'SELECT * FROM nls_database_parameters' });
  const found = rows.find((row) => row['parameter'] === 'NLS_CHARACTERSET')?.['value'];
  if (found === 'AL32UTF8') return;
  throw new RetrievalError(
    'store_error',
    `The Oracle database keeps text as ${String(found)}; Plumbline needs AL32UTF8`,
    { details: { found, needed: 'AL32UTF8' } },
  );
}
