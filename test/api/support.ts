/** A runtime whose every call a test can take over, and an app over it. */
import { NO_GENERATIONS } from '../support/no-generations.js';
import type { TestContext } from 'node:test';
import { createApp } from '../../src/api/app.js';
import type { App } from '../../src/api/app.js';
import type { Catalog, CollectionDescription, DocumentWithChunks } from '../../src/catalog/types.js';
import type { Config } from '../../src/config.js';
import type { PrepareGate } from '../../src/generations/gate.js';
import type { IngestSummary } from '../../src/ingest/types.js';
import type { QueryAnswer } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';

export const DESCRIPTION: CollectionDescription = {
  name: 'handbook',
  createdAt: '2024-05-01T12:00:00.000Z',
  fieldMode: 'declared',
  fields: { dept: 'keyword', published_at: 'date' },
  language: 'english',
  generation: {
    id: 7,
    state: 'active',
    embedder: 'fake',
    pin: {
      provider: 'test',
      model: 'hashed-words',
      revision: '1',
      weightsSha256: null,
      tokenizerSha256: 'ab'.repeat(32),
      dimensions: 32,
      pooling: 'mean',
      normalized: true,
      precision: 'fp32',
      documentPrefix: '',
      queryPrefix: 'query: ',
    },
    chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
    metric: 'cosine',
    index: { kind: 'hnsw', m: 16, efConstruction: 128, buildAfter: 20_000 },
  },
  counts: { documents: 1, chunks: 2 },
  modelVersion: 'hashed-words@0123456789ab',
};

export const DOCUMENT: DocumentWithChunks = {
  document: {
    id: 'a/b',
    title: 'Leave',
    source: 'leave.md',
    text: 'Everyone has 30 days.',
    blocks: [],
    metadata: { dept: 'HR' },
  },
  contentHash: 'cafe',
  ingestedAt: '2024-05-02T12:00:00.000Z',
  chunkCount: 1,
  chunks: [
    {
      id: 'c1',
      documentId: 'a/b',
      ordinal: 0,
      start: 0,
      end: 21,
      overlap: 0,
      headingPath: ['Leave'],
      text: 'Everyone has 30 days.',
      indexedText: 'Leave\n\nEveryone has 30 days.',
      tokens: 6,
      split: 'block',
      title: 'Leave',
      source: 'leave.md',
      metadata: { dept: 'HR' },
      values: { dept: 'HR' },
    },
  ],
};

export const ANSWER: QueryAnswer = {
  collection: 'handbook',
  generation: 7,
  model_version: 'hashed-words@0123456789ab',
  mode: 'hybrid',
  hits: [
    {
      chunk_id: 'c1',
      ordinal: 0,
      heading_path: ['Leave'],
      text: 'Everyone has 30 days.',
      start: 0,
      end: 21,
      document_id: 'a/b',
      score: 0.75,
      title: 'Leave',
      source: 'leave.md',
      tokens: 6,
      metadata: { dept: 'HR' },
    },
  ],
  total: 1,
  took_ms: { embed: 5, legs: 2, complete: 1, total: 8 },
};

export const SUMMARY: IngestSummary = {
  added: 1,
  changed: 0,
  unchanged: 0,
  removed: 0,
  failed: [],
  withoutText: { documents: 0, ids: [] },
  chunks: 2,
  embedded: 2,
  reused: 0,
  pruneSkipped: false,
  elapsedMs: 12,
};

export type FakeRuntime = Omit<Partial<Runtime>, 'catalog'> & { readonly catalog?: Partial<Catalog> };

/** Answers canned data unless told otherwise. */
export function fakeRuntime(overrides: FakeRuntime = {}): Runtime {
  const { chunks: _chunks, document, ...stored } = DOCUMENT;
  const { text: _text, blocks: _blocks, ...summary } = document;
  return {
    ...NO_GENERATIONS,
    embedders: ['fake'],
    managed: [],
    store: {
      kind: 'fake',
      ping: () => Promise.resolve(),
      capabilities: { metrics: ['cosine'], indexes: ['none'], languages: ['none'], maxDimensions: 64 },
    },
    ingest: () => Promise.resolve(SUMMARY),
    dryRun: () => {
      throw new Error('not used by the API');
    },
    retrieve: () => Promise.resolve(ANSWER),
    answer: () => {
      throw new Error('not used by this test');
    },
    checkPins: () => Promise.resolve(),
    close: () => Promise.resolve(),
    ...overrides,
    catalog: {
      createCollection: () => Promise.resolve(DESCRIPTION),
      getCollection: () => Promise.resolve(DESCRIPTION),
      describeCollection: () => Promise.resolve(DESCRIPTION),
      listCollections: () => Promise.resolve([DESCRIPTION]),
      deleteCollection: () => Promise.resolve(),
      getDocument: () => Promise.resolve(DOCUMENT),
      presentDocuments: (_collection, ids) => Promise.resolve(new Set(ids)),
      listDocuments: () => Promise.resolve({ items: [{ ...summary, ...stored }], next: null }),
      countDocuments: () => Promise.resolve(1),
      deleteDocument: () => Promise.resolve(),
      deleteByFilter: () => Promise.resolve(2),
      ...overrides.catalog,
    },
  };
}

export const CONFIG: Config['server'] = {
  host: '127.0.0.1',
  port: 0,
  apiKeyHashes: [],
  bodyLimitBytes: 64 * 1024,
  maxInflight: 4,
  requestTimeoutMs: 60_000,
  drainTimeoutMs: 30_000,
  logLevel: 'info',
};

export interface TestApp extends App {
  /** Parsed log lines so far. */
  readonly logs: readonly Record<string, unknown>[];
  /** What was logged, as it was written. */
  logText(): string;
}

/** An app that is closed when the test ends. */
export async function openApp(
  test: TestContext,
  runtime: Runtime = fakeRuntime(),
  config: Partial<Config['server']> = {},
  prepareGate?: PrepareGate,
): Promise<TestApp> {
  const lines: string[] = [];
  const app = await createApp({
    runtime,
    config: { ...CONFIG, ...config },
    version: '1.2.3',
    logSink: { write: (line) => lines.push(line) },
    ...(prepareGate === undefined ? {} : { prepareGate }),
  });
  test.after(() => app.fastify.close());
  return {
    ...app,
    get logs() {
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    logText: () => lines.join(''),
  };
}

/** The app on a real socket: its URL. */
export async function listen(app: App): Promise<string> {
  return app.fastify.listen({ host: '127.0.0.1', port: 0 });
}

/** A promise with its ends. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

export function defer<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}
