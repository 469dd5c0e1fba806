/** What the evaluation's tests share: folders of synthetic data, and a small runtime over words. */
import { NO_GENERATIONS } from '../support/no-generations.js';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CollectionDescription } from '../../src/catalog/types.js';
import { RetrievalError } from '../../src/errors.js';
import type { Pin, RawDocument } from '../../src/model.js';
import { modelVersion } from '../../src/pin.js';
import type { QueryAnswer } from '../../src/retrieval/schema.js';
import type { Runtime } from '../../src/runtime-types.js';

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-eval-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Path in the folder → content. */
export type Files = Readonly<Record<string, string | Buffer>>;

export async function writeFiles(folder: string, files: Files): Promise<void> {
  await mkdir(join(folder, 'qrels'), { recursive: true });
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content);
}

export function jsonl(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Ten documents about colours and shapes, six questions, graded judgements. */
export const SMALL: Files = {
  'corpus.jsonl': jsonl([
    { _id: 'red/1', title: 'Red', text: 'red circle and red square' },
    { _id: 'red 2', title: '', text: 'a red triangle' },
    { _id: 'blue', title: 'Blue', text: 'blue circle' },
    { _id: 'green', title: 'green square', text: '' },
    { _id: 'mixed', title: 'Mixed', text: 'red blue green' },
    { _id: 'q3', title: '', text: 'triangle of any colour' },
    { _id: 'triangle', title: '', text: 'triangle' },
    { _id: 'empty', title: '', text: ' ' },
    { _id: 'far', title: 'Far', text: 'nothing of this kind' },
    { _id: 12, title: null, text: 'square number twelve' },
  ]),
  'queries.jsonl': jsonl([
    { _id: 'q1', text: 'red circle' },
    { _id: 'q2', text: 'blue' },
    { _id: 'q3', text: 'triangle of any colour' },
    { _id: 'q4', text: '   ' },
    { _id: 'q5', text: 'square <b>number</b> & twelve' },
    { _id: 'unjudged', text: 'far' },
  ]),
  'qrels/test.tsv': [
    'query-id\tcorpus-id\tscore',
    'q1\tred/1\t2',
    'q1\tred 2\t1',
    'q1\tfar\t-1',
    'q2\tblue\t1',
    'q2\tmixed\t1',
    'q3\ttriangle\t1',
    'q4\tblue\t1',
    'q5\t12\t1',
    'q6\tblue\t1',
    'q1\tgone\t1',
    '',
  ].join('\n'),
};

const PIN: Pin = {
  provider: 'test',
  model: 'words',
  revision: '1',
  weightsSha256: null,
  tokenizerSha256: null,
  dimensions: 3,
  pooling: 'provider',
  normalized: false,
  precision: 'fp32',
  documentPrefix: '',
  queryPrefix: '',
};

export interface WordRuntime extends Runtime {
  /** Requests that reached `retrieve`, warm-up included. */
  readonly asked: QueryAnswer['hits'][];
  readonly ingests: string[];
}

/**
 * A runtime whose score is the share of the question's words that a document has. It keeps what it
 * ingests, prunes, and honours the request's `top_k`; parts the evaluation never calls reject.
 */
export function createWordRuntime(options: { readonly blunt?: boolean } = {}): WordRuntime {
  const collections = new Map<string, { documents: Map<string, RawDocument> }>();
  const asked: QueryAnswer['hits'][] = [];
  const ingests: string[] = [];
  const unused = (): Promise<never> => Promise.reject(new Error('the evaluation must not call this'));

  const find = (name: string): { documents: Map<string, RawDocument> } => {
    const found = collections.get(name);
    if (found === undefined) throw new RetrievalError('collection_not_found', `No collection "${name}"`);
    return found;
  };
  const describe = (name: string): CollectionDescription => {
    const { size } = find(name).documents;
    return {
      name,
      createdAt: '2026-01-01T00:00:00.000Z',
      fieldMode: 'declared',
      fields: {},
      language: 'english',
      counts: { documents: size, chunks: size },
      modelVersion: modelVersion(PIN),
      generation: {
        id: 7,
        state: 'active',
        embedder: 'words',
        pin: PIN,
        chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
        metric: 'cosine',
        index: { kind: 'none' },
      },
    };
  };

  return {
    asked,
    ingests,
    ...NO_GENERATIONS,
    embedders: ['words'],
    store: {
      kind: 'words',
      capabilities: { metrics: [], indexes: [], languages: [], maxDimensions: 3 },
      ping: unused,
    },
    catalog: {
      createCollection: (input) => {
        if (collections.has(input.name)) {
          return Promise.reject(new RetrievalError('collection_exists', 'It exists'));
        }
        collections.set(input.name, { documents: new Map() });
        return Promise.resolve(describe(input.name));
      },
      describeCollection: async (name) => Promise.resolve(describe(name)),
      deleteCollection: (name) =>
        collections.delete(name)
          ? Promise.resolve()
          : Promise.reject(new RetrievalError('collection_not_found', 'It is not there')),
      getCollection: unused,
      listCollections: unused,
      getDocument: unused,
      presentDocuments: (name, ids) => {
        const { documents } = find(name);
        return Promise.resolve(new Set(ids.filter((id) => documents.has(id))));
      },
      listDocuments: unused,
      countDocuments: unused,
      deleteDocument: unused,
      deleteByFilter: unused,
    },
    async ingest(name, source, ingestOptions) {
      ingests.push(name);
      const { documents } = find(name);
      const seen = new Set<string>();
      let added = 0;
      for await (const item of source.items()) {
        if (item.kind !== 'document') continue;
        seen.add(item.document.id);
        if (!documents.has(item.document.id)) added += 1;
        documents.set(item.document.id, item.document);
      }
      const removed = [...documents.keys()].filter((id) => !seen.has(id));
      if (ingestOptions?.prune === true) for (const id of removed) documents.delete(id);
      return {
        added,
        changed: 0,
        unchanged: seen.size - added,
        removed: removed.length,
        failed: [],
        withoutText: { documents: 0, ids: [] },
        chunks: added,
        embedded: added,
        reused: 0,
        pruneSkipped: false,
        elapsedMs: 1,
      };
    },
    dryRun: () => {
      throw new Error('the evaluation must not call this');
    },
    async retrieve(name, request) {
      const words = new Set(
        request.query
          .toLowerCase()
          .split(/[^a-z0-9]+/u)
          .filter(Boolean),
      );
      const hits = [...find(name).documents.values()]
        .map((document) => ({ document, score: overlap(words, document, options.blunt === true) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
        .slice(0, request.top_k)
        .map(({ document, score }) => hit(document, score));
      asked.push(hits);
      return Promise.resolve({
        collection: name,
        generation: 7,
        model_version: modelVersion(PIN),
        mode: request.mode,
        hits,
        total: hits.length,
        took_ms: { embed: 1, legs: 2, complete: 3, total: 6 },
      });
    },
    managed: [],
    answer: () => {
      throw new Error('the evaluation must not call this');
    },
    checkPins: unused,
    close: () => Promise.resolve(),
  };
}

/** `blunt` only tells a match from none, so that two runtimes differ in quality. */
function overlap(words: ReadonlySet<string>, document: RawDocument, blunt: boolean): number {
  const own = new Set(`${document.title ?? ''} ${document.content}`.toLowerCase().split(/[^a-z0-9]+/u));
  const shared = [...words].filter((word) => own.has(word)).length;
  if (blunt) return shared > 0 ? 1 : 0;
  return shared / words.size / Math.sqrt(own.size);
}

function hit(document: RawDocument, score: number): QueryAnswer['hits'][number] {
  return {
    chunk_id: `chunk-of-${document.id}`,
    document_id: document.id,
    ordinal: 0,
    heading_path: [],
    text: document.content,
    start: 0,
    end: document.content.length,
    score,
    title: document.title ?? null,
    source: null,
    tokens: 1,
    metadata: {},
  };
}
