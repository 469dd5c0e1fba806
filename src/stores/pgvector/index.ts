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
import type { Database, Driver, RunOptions } from './database.js';
import { deleteDocuments } from './delete-documents.js';
import { createParameters, filterSql } from './filter-sql.js';
import { finishLoad } from './finish-load.js';
import { indexBytes } from './index-bytes.js';
import type { Authentication } from './iam.js';
import { keywordLeg } from './keyword-leg.js';
import { migrate } from './migrate.js';
import { createProgress } from './progress.js';
import type { Version } from './progress.js';
import { countDocuments, getDocument, listDocuments, readChunks } from './read-documents.js';
import { createReader } from './reader.js';
import type { Reader } from './reader.js';
import { scoreChunks } from './score-chunks.js';
import { joinVectors } from './tables.js';
import { vectorLeg } from './vector-leg.js';
import { OLDEST_SUPPORTED } from './versions.js';
import type { VectorFeatures } from './versions.js';
import { writeDocuments } from './write-documents.js';
import { assertUniqueIds, notActive } from '../refusals.js';
import { createPgGenerations } from './generations.js';
import { analyzeBatch, analyzeBeside } from '../analyze-batch.js';
import { createPgRecords } from './records.js';

export interface PostgresqlConnection {
  readonly kind: 'postgresql';
  readonly url: string;
  readonly poolSize: number;
  /** Replicas of that server, which then answer queries. */
  readonly readerUrl?: string | null;
  /** File with the certificates to trust, where a URL names none. */
  readonly caFile?: string | null;
  readonly authentication?: Authentication;
  /** How long a write goes on trying to reach a server that is gone, in milliseconds. */
  readonly reconnectMs?: number;
}

export interface PgVectorOptions {
  readonly connection: PostgresqlConnection | { readonly kind: 'pglite'; readonly folder: string };
  /** Longest a statement of a query may take, in milliseconds. */
  readonly statementTimeoutMs: number;
  /** Given what the store works on, to look into it: PGlite has room for no other connection. */
  readonly onDatabase?: (database: Database) => void;
}

const RECONNECT_MS = 30_000;

const CAPABILITIES: StoreCapabilities = {
  metrics: ['cosine', 'dot', 'l2'],
  indexes: ['hnsw', 'ivfflat', 'none'],
  languages: ['english', 'none'],
  partitions: true,
  // pgvector's limit for an indexed vector.
  maxDimensions: 2000,
};

/** An index of half the size is one over half-precision numbers. */
function capabilitiesOf({ halfvec }: VectorFeatures): StoreCapabilities {
  return halfvec ? { ...CAPABILITIES, compression: { levels: ['2x'], onDisk: false } } : CAPABILITIES;
}

/**
 * Connects, and brings the schema to this version.
 * @throws RetrievalError `store_unavailable`, `data_folder_in_use`, `schema_too_new`, `invalid_config`
 */
export async function openPgVectorStore(options: PgVectorOptions): Promise<VectorStore> {
  const { connection } = options;
  const patienceMs = connection.kind === 'postgresql' ? (connection.reconnectMs ?? RECONNECT_MS) : 0;
  return openStoreOver(await openDriver(options), patienceMs, (database) => {
    options.onDatabase?.(database);
    return openReader(options, database);
  });
}

/** The same over a driver that is open already; closed with the store, and when it cannot be opened. */
export async function openStoreOver(
  driver: Driver,
  patienceMs = 0,
  open: (writer: Database) => Promise<Reader | null> = () => Promise.resolve(null),
): Promise<VectorStore> {
  const database = createDatabase(driver, { patienceMs });
  try {
    assertExtension(driver.features);
    await migrate(database);
    return createStore(database, await open(database));
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openDriver({ connection, statementTimeoutMs }: PgVectorOptions): Promise<Driver> {
  switch (connection.kind) {
    case 'postgresql': {
      const { openPostgresql } = await import('./postgresql.js');
      return openPostgresql({ ...connection, statementTimeoutMs });
    }
    case 'pglite': {
      const { openPglite } = await import('./pglite.js');
      return openPglite({ folder: connection.folder, statementTimeoutMs });
    }
    default:
      return connection satisfies never;
  }
}

async function openReader(
  { connection, statementTimeoutMs }: PgVectorOptions,
  writer: Database,
): Promise<Reader | null> {
  if (connection.kind === 'pglite') return null;
  const url = connection.readerUrl ?? null;
  if (url === null) return null;
  const { openPostgresqlReader } = await import('./postgresql.js');
  return createReader(
    await openPostgresqlReader({ ...connection, url, statementTimeoutMs }, writer.features),
    writer,
  );
}

function createStore(database: Database, reader: Reader | null): VectorStore {
  const progress = createProgress();
  const catalog = createPgCatalog(database, progress);

  /** Runs over a generation; one that was located before and is gone by now says so. */
  const onGeneration = async <T>(
    ref: GenerationRef,
    options: CallOptions | undefined,
    run: (located: Located) => Promise<T>,
  ): Promise<T> => run(await catalog.locate(ref, options));

  /** The same, on a reader where there is one that knows of all writes. */
  const onReader = async <T>(
    ref: GenerationRef,
    options: CallOptions | undefined,
    run: (located: Located, chosen: Database) => Promise<T>,
  ): Promise<T> => {
    const located = await catalog.locate(ref, options);
    if (reader === null) return run(located, database);
    return reader.run(located, progress.of(ref.generation), (chosen) => run(located, chosen));
  };

  const wrote = (versions: ReadonlyMap<number, Version>): void => {
    for (const [generation, version] of versions) progress.wrote(generation, version);
  };

  const remove = async (
    name: string,
    options: CallOptions | undefined,
    where: (located: Located) => { readonly condition: string; readonly values: readonly unknown[] },
  ): Promise<number> => {
    const located = await catalog.get(name, patiently(options));
    const { condition, values } = where(located);
    const { count, versions } = await deleteDocuments(
      database,
      located,
      condition,
      values,
      patiently(options),
    );
    wrote(versions);
    return count;
  };

  return {
    kind: database.kind,
    capabilities: capabilitiesOf(database.features),
    generations: createPgGenerations({
      database,
      catalog,
      wrote,
      patiently,
      maxDimensions: CAPABILITIES.maxDimensions,
    }),
    records: createPgRecords({ database, catalog, patiently }),
    async ping(options) {
      await database.query({ text: 'select 1' }, options);
    },
    async close() {
      await reader?.close();
      await database.close();
    },

    async createCollection(spec, options) {
      validateDimensions(database.kind, spec.pin.dimensions, CAPABILITIES.maxDimensions);
      return catalog.create(spec, patiently(options));
    },
    getCollection: async (name, options) => (await catalog.find(name, options))?.collection ?? null,
    listCollections: (options) => catalog.list(options),
    deleteCollection: (name, options) => catalog.delete(name, patiently(options)),
    countCollection: (name, options) => catalog.count(name, options),
    indexBytes: async (name, options) => indexBytes(database, await catalog.get(name, options), options),
    addFields: (name, fields, options) => catalog.addFields(name, fields, patiently(options)),

    async putDocuments(ref, pin, documents, options) {
      assertUniqueIds(documents);
      // Fresh: the columns are written, and another process may have added some.
      const located = await catalog.get(ref.collection, patiently(options));
      if (located.collection.generation.id !== ref.generation) {
        await catalog.locate(ref, patiently(options));
        throw notActive(ref);
      }
      const batches = [
        { generation: ref.generation, pin, analyzed: analyzeBatch(located.collection, pin, documents) },
        ...(await analyzeBeside(
          (other) => catalog.locate(other, patiently(options)),
          ref,
          documents,
          options?.beside ?? [],
        )),
      ];
      wrote(
        await database.transaction(
          (session) => writeDocuments(session, located, ref, documents, batches),
          patiently(options),
        ),
      );
    },
    contentHashes: (ref, ids, options) =>
      onGeneration(ref, options, async ({ documents }) => {
        const rows = await database.query(
          { text: `select id, content_hash from ${documents} where id = any($1::text[])`, values: [ids] },
          patiently(options),
        );
        return new Map(rows.map((row) => [String(row['id']), String(row['content_hash'])]));
      }),
    documentVectors: (ref, id, options) =>
      onGeneration(ref, options, async ({ tables, collection }) => {
        const rows = await database.query(
          {
            text: `select c.text_hash, v.embedding::text as embedding
              from ${tables.chunks} c ${joinVectors(tables, collection.generation.index)}
              where c.document_id = $1`,
            values: [id],
          },
          patiently(options),
        );
        return new Map(rows.map((row) => [String(row['text_hash']), toVector(row['embedding'])]));
      }),
    getDocument: async (name, id, options) =>
      getDocument(database, await catalog.get(name, options), id, options),
    documentChunks: (ref, id, options) =>
      onReader(ref, options, (located, chosen) =>
        readChunks(
          chosen,
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
    deleteDocuments: (name, ids, options) =>
      remove(name, options, () => ({ condition: 'id = any($1::text[])', values: [ids] })),
    deleteByFilter: (name, filter, options) =>
      remove(name, options, ({ columns }) => {
        const parameters = createParameters();
        return { condition: filterSql(filter, columns, parameters), values: parameters.values };
      }),
    async finishLoad(ref, options) {
      // Of the generation that was loaded, which need not be the active one.
      const located = await catalog.locate(ref, patiently(options));
      await finishLoad(database, located, ref, patiently(options));
      await catalog.get(ref.collection, patiently(options));
    },

    vectorLeg: (ref, query, options) =>
      onReader(ref, options, (located, chosen) => {
        assertVector(located, query.vector);
        return vectorLeg(chosen, located, query, options);
      }),
    keywordLeg: (ref, query, options) =>
      onReader(ref, options, (located, chosen) => keywordLeg(chosen, located, query, options)),
    scoreChunks: (ref, query, options) =>
      onReader(ref, options, (located, chosen) => {
        if (query.vector !== undefined) assertVector(located, query.vector);
        return scoreChunks(chosen, located, query, options);
      }),
    getChunks: (ref, ids, options) =>
      onReader(ref, options, async (located, chosen) => {
        const chunks = await readChunks(chosen, located, 'c.chunk_id = any($1::text[])', [ids], options);
        return new Map(chunks.map((chunk) => [chunk.id, chunk]));
      }),
  };
}

/** For writes and what an ingest reads between them: they wait for a server that fails over. */
function patiently(options: CallOptions | undefined): RunOptions {
  return { ...options, patient: true };
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

function assertExtension({ version, supported }: VectorFeatures): void {
  if (supported) return;
  throw new RetrievalError(
    'store_error',
    `pgvector ${version} is too old; Plumbline needs ${OLDEST_SUPPORTED} or newer. Install a newer one and run "alter extension vector update"`,
    { details: { found: version, needed: OLDEST_SUPPORTED } },
  );
}
