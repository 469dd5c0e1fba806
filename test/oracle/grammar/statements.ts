/** Every statement that the store can emit: it is put to work over the double, which keeps them. */
import type { Filter, Metric, VectorIndex } from '../../../src/model.js';
import { parseFilter } from '../../../src/retrieval/filter/parse.js';
import { createBinds } from '../../../src/stores/oracle/binds.js';
import { createOracleCatalog } from '../../../src/stores/oracle/catalog.js';
import { createDatabase } from '../../../src/stores/oracle/database.js';
import { openOracleStoreOn } from '../../../src/stores/oracle/index.js';
import { DEFAULT_PREFIX, createNames } from '../../../src/stores/oracle/names.js';
import { approximateSql } from '../../../src/stores/oracle/vector-leg.js';
import type { GenerationRef, VectorStore } from '../../../src/stores/port.js';
import { ALL, DIMENSIONS, PIN, createIn, specOf, writeOf } from '../../conformance/store/fixtures.js';
import { FILTER_FIELDS, randomFilter, randomValues } from '../../support/filters.js';
import { createRandom } from '../../support/random.js';
import type { Random } from '../../support/random.js';
import { doubleDriver } from '../double/connection.js';
import { startDoubleServer } from '../double/server.js';

const FILTERS = 80;
const DOCUMENTS = 60;
/** The parser takes twice as long for each level, and deeper ones repeat what is in these. */
const MAX_NESTING = 3;

const COLLECTIONS: readonly (readonly [Metric, VectorIndex])[] = [
  ['cosine', { kind: 'ivfflat', lists: 'auto', buildAfter: 1 }],
  ['dot', { kind: 'ivfflat', lists: 7, buildAfter: 1 }],
  ['l2', { kind: 'hnsw', m: 16, efConstruction: 128, buildAfter: 1 }],
  ['cosine', { kind: 'none' }],
];

export async function emittedStatements(): Promise<readonly string[]> {
  const server = await startDoubleServer();
  const driver = doubleDriver(server);
  const store = await openOracleStoreOn(driver);
  const catalog = createOracleCatalog(createDatabase(driver), createNames(DEFAULT_PREFIX));
  const more: string[] = [];
  try {
    for (const [at, [metric, index]] of COLLECTIONS.entries()) {
      const ref = await createIn(
        store,
        specOf({ name: `grammar-${String(at)}`, fields: FILTER_FIELDS, metric, index }),
      );
      // A filter that matches too many to compare them all, which no corpus of a test does.
      const located = await catalog.get(ref.collection);
      const random = createRandom(100 + at);
      for (let count = 0; count < FILTERS / 10; count += 1) {
        const filter = shallowFilter(random);
        const query = { vector: random.vector(DIMENSIONS), k: 5, filter };
        more.push(approximateSql(located, query, createBinds()));
      }
      await exercise(store, ref, at);
    }
    await exerciseGenerations(store);
    // Numbers of tables say nothing about grammar.
    const shapes = [...server.statements, ...more].map((sql) =>
      sql.replace(/(plumbline_[cg])\d+_/gu, '$17_'),
    );
    return [...new Set(shapes)];
  } finally {
    await store.close();
    await server.close();
  }
}

async function exercise(store: VectorStore, ref: GenerationRef, seed: number): Promise<void> {
  const random = createRandom(seed);
  const writes = Array.from({ length: DOCUMENTS }, (_, at) =>
    writeOf(`d${String(at)}`, [`engine valve v${String(at)}`], { values: randomValues(random) }),
  );
  await store.ping();
  await store.putDocuments(ref, PIN, writes);
  await store.finishLoad(ref);
  await store.addFields(ref.collection, { late: 'keyword', lates: 'number[]', soon: 'boolean' });
  const vector = random.vector(DIMENSIONS);
  await store.vectorLeg(ref, { vector, k: 5, filter: ALL });
  await store.vectorLeg(ref, { vector, k: 5, filter: ALL, efSearch: 50 });
  await store.keywordLeg(ref, { text: 'engine valve pump', k: 5, filter: ALL });
  const chunkIds = writes.flatMap(({ chunks }) => chunks.map(({ id }) => id));
  await store.scoreChunks(ref, { chunkIds, vector, text: 'engine valve pump' });
  await store.getChunks(ref, chunkIds.slice(0, 3));
  await store.documentChunks(ref, 'd1');
  await store.documentVectors(ref, 'd1');
  await store.getDocument(ref.collection, 'd1');
  await store.contentHashes(ref, ['d1', 'd2', 'd3']);
  await store.listDocuments(ref.collection, { filter: ALL, limit: 5, after: 'd1' });
  await store.listCollections();
  await store.countCollection(ref.collection);
  for (let at = 0; at < FILTERS / COLLECTIONS.length; at += 1) {
    const filter = shallowFilter(random);
    await filtered(store, ref, filter, vector, at % 4);
  }
  await store.deleteDocuments(ref.collection, ['d1', 'd2', 'd3']);
  await store.deleteByFilter(ref.collection, parseFilter({ word: { $in: ['a', 'b'] } }, FILTER_FIELDS));
  await store.deleteCollection(ref.collection);
}

/** Of two models, with fields of each type. */
async function exerciseGenerations(store: VectorStore): Promise<void> {
  const { generations, records } = store;
  if (generations === undefined || records === undefined) throw new Error('the store keeps no generations');
  const ref = await createIn(store, specOf({ name: 'grammar-generations', fields: FILTER_FIELDS }));
  const random = createRandom(9);
  const writes = Array.from({ length: 4 }, (_, at) =>
    writeOf(`d${String(at)}`, [`engine v${String(at)}`], { values: randomValues(random) }),
  );
  await store.putDocuments(ref, PIN, writes);
  const pin = { ...PIN, model: 'other' };
  const { chunker, embedder, metric, index } = specOf({ name: 'any' });
  const made = await generations.create(ref.collection, { embedder, pin, chunker, metric, index });
  const to = { ...ref, generation: made.id };
  await generations.list(ref.collection);
  await generations.missing(to, { limit: 2 });
  await generations.missing(to, { limit: 2, after: 'd1' });
  const filling = writes.map(({ document, contentHash, chunks }) => ({
    documentId: document.id,
    contentHash,
    chunks,
  }));
  await generations.putChunks(to, pin, filling);
  await generations.activate(to, ref.generation);
  const chunks = new Map(writes.map((write) => [write.document.id, write.chunks]));
  const beside = { generation: ref.generation, pin: PIN, chunks };
  await store.putDocuments(to, pin, writes, { beside: [beside] });
  await generations.drop(ref);
  const { id } = await records.append(ref.collection, 'note', { of: 'grammar' });
  await records.list(ref.collection, { kinds: [], limit: 2 });
  await records.list(ref.collection, { kinds: ['note', 'step', 'gate'], limit: 2, before: id });
  await records.remove(ref.collection, []);
  await records.remove(ref.collection, [id, id + 1, id + 2]);
}

/** One of the ways a filter is used; each filter takes another. */
async function filtered(
  store: VectorStore,
  ref: GenerationRef,
  filter: Filter,
  vector: Float32Array,
  way: number,
): Promise<void> {
  if (way === 0) await store.listDocuments(ref.collection, { filter, limit: 10 });
  else if (way === 1) await store.countDocuments(ref.collection, filter);
  else if (way === 2) await store.keywordLeg(ref, { text: 'engine valve', k: 5, filter });
  else await store.vectorLeg(ref, { vector, k: 5, filter });
}

function shallowFilter(random: Random): Filter {
  for (;;) {
    const filter = parseFilter(randomFilter(random), FILTER_FIELDS);
    if (nesting(filter) <= MAX_NESTING) return filter;
  }
}

function nesting(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return 1 + Math.max(0, ...filter.filters.map(nesting));
    case 'not':
      return 1 + nesting(filter.filter);
    case 'all':
    case 'none':
    case 'compare':
    case 'in':
    case 'exists':
      return 0;
    default:
      return filter satisfies never;
  }
}
