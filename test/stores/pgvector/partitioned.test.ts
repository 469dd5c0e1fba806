/** Vectors in partitions: which of them a query looks into, what it finds there, and what goes with them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toSql } from 'pgvector';
import { FILTER_FIELDS, randomFilter, randomValues } from '../../../src/conformance/filters.js';
import type { FieldValues, Filter, Partitions, VectorIndex } from '../../../src/model.js';
import { parseFilter } from '../../../src/retrieval/filter/parse.js';
import { createPgCatalog } from '../../../src/stores/pgvector/catalog.js';
import type { Located } from '../../../src/stores/pgvector/catalog.js';
import type { Database, Row, Session, Statement } from '../../../src/stores/pgvector/database.js';
import { createParameters, vectorsFilterSql } from '../../../src/stores/pgvector/filter-sql.js';
import { openPgVectorStore } from '../../../src/stores/pgvector/index.js';
import { inspectPostgres } from '../../../src/stores/pgvector/inspect.js';
import { allBuckets, bucketOf } from '../../../src/stores/pgvector/partitions.js';
import { approximateSql, vectorLeg } from '../../../src/stores/pgvector/vector-leg.js';
import type { VectorStore } from '../../../src/stores/port.js';
import {
  ALL,
  DIMENSIONS,
  FIELDS,
  PIN,
  createIn,
  equalTo,
  fieldRef,
  randomWrites,
  specOf,
  writeOf,
} from '../../conformance/store/fixtures.js';
import { createRandom } from '../../support/random.js';
import { databaseNames, makeTestDatabase } from '../../support/stores.js';
import type { TestDatabase } from '../../support/stores.js';

const CHUNKS = 4000;
const LARGE = 384;
const DEPTS = ['Legal', 'Sales', 'Ops', 'HR'];
const BY_DEPT: Partitions = { field: 'dept', count: 3, by: 'value' };
const BY_MONTH: Partitions = { field: 'created_at', count: 4, by: 'month' };

const RANDOM: readonly Partitions[] = [
  { field: 'word', count: 5, by: 'value' },
  { field: 'day', count: 3, by: 'year' },
];

function hnsw(partitions?: Partitions): VectorIndex {
  return {
    kind: 'hnsw',
    m: 8,
    efConstruction: 64,
    buildAfter: 100,
    ...(partitions === undefined ? {} : { partitions }),
  };
}

for (const name of databaseNames()) {
  describe(`partitioned vectors: ${name}`, () => {
    const random = createRandom(41);
    let made: TestDatabase;
    let store: VectorStore;
    let database: Database;
    /** By department and by month, each with the same documents in it. */
    let located: Located;
    let monthly: Located;

    before(async () => {
      made = await makeTestDatabase(name);
      store = await openPgVectorStore({
        connection: made.connection,
        statementTimeoutMs: 60_000,
        onDatabase: (own) => {
          database = own;
        },
      });
      const pin = { ...PIN, dimensions: LARGE };
      const writes = Array.from({ length: CHUNKS }, (_, at) =>
        writeOf(`d${String(at)}`, ['engine'], { vectors: [random.vector(LARGE)], values: valuesOf(at) }),
      );
      const load = async (collection: string, partitions: Partitions): Promise<Located> => {
        const ref = await createIn(store, specOf({ name: collection, pin, index: hnsw(partitions) }));
        for (let at = 0; at < CHUNKS; at += 500) {
          await store.putDocuments(ref, pin, writes.slice(at, at + 500));
        }
        assert.equal(await store.indexBytes?.(collection), 0);
        await store.finishLoad(ref);
        return createPgCatalog(database).get(collection);
      };
      located = await load('by-dept', BY_DEPT);
      monthly = await load('by-month', BY_MONTH);
    });
    after(async () => {
      await store.close();
      await made.remove();
    });

    /** What a filter's statement through the index is answered by. */
    const explain = async (of: Located, filter: Filter): Promise<string> => {
      const parameters = createParameters(toSql(Array.from(random.vector(LARGE))), 10);
      const text = approximateSql(of, vectorsFilterSql(filter, of, parameters));
      const rows = await database.transaction(async (session) => {
        // The narrow search that is cheap enough for so few rows.
        await session.query({ text: 'set local hnsw.ef_search = 40' });
        return session.query({ text: `explain ${text}`, values: parameters.values });
      });
      return rows.map((row) => String(row['QUERY PLAN']).replaceAll(/\[[^\]]*\]/gu, '[…]')).join('\n');
    };
    const partitionsIn = (plan: string): readonly number[] =>
      [...new Set([...plan.matchAll(/ on g\d+_vectors_p(\d+) /gu)].map(([, number]) => Number(number)))].sort(
        (a, b) => a - b,
      );
    const bucket = (of: Partitions, values: FieldValues): number => bucketOf(values, of);
    /** The store's database, on which a few thousand vectors are not compared one by one. */
    const overGraphs = (sent: Statement[] = []): Database => {
      const settings = ['seqscan', 'bitmapscan', 'sort'].map((way) => `set local enable_${way} = off`);
      const prepared = async (session: Session, statement: Statement): Promise<readonly Row[]> => {
        sent.push(statement);
        await session.query({ text: settings.join('; ') });
        return session.query(statement);
      };
      return {
        ...database,
        query: (statement, options) =>
          database.transaction((session) => prepared(session, statement), options),
        transaction: (work, options) =>
          database.transaction(
            (session) => work({ ...session, query: (statement) => prepared(session, statement) }),
            options,
          ),
      };
    };

    it('says that it can', () => {
      assert.equal(store.capabilities.partitions, true);
    });

    it('without a filter is answered by the graphs of all partitions, merged', async () => {
      const plan = await explain(located, ALL);
      assert.match(plan, /Merge Append/u);
      assert.deepEqual(partitionsIn(plan), allBuckets(BY_DEPT));
      for (const dept of DEPTS) {
        const graph = `_vectors_p${String(bucket(BY_DEPT, { dept }))}_embedding_idx`;
        assert.match(plan, new RegExp(`Index Scan using \\S*${graph}`, 'u'), plan);
      }
    });

    it('with a filter is answered by the partitions that can hold a match alone', async () => {
      const legal = await explain(located, equalTo('dept', 'Legal'));
      assert.deepEqual(partitionsIn(legal), [bucket(BY_DEPT, { dept: 'Legal' })]);
      const two: Filter = { kind: 'in', field: fieldRef('dept'), values: ['Legal', 'Sales'] };
      const both = new Set(['Legal', 'Sales'].map((dept) => bucket(BY_DEPT, { dept })));
      assert.deepEqual(partitionsIn(await explain(located, two)), [...both].sort());
      const nothing: Filter = {
        kind: 'and',
        filters: [{ kind: 'exists', field: fieldRef('dept'), exists: false }, two],
      };
      assert.deepEqual(partitionsIn(await explain(located, nothing)), []);
      const field = fieldRef('created_at');
      const may: Filter = {
        kind: 'and',
        filters: [
          { kind: 'compare', field, operator: 'gte', value: Date.UTC(2024, 4) },
          { kind: 'compare', field, operator: 'lt', value: Date.UTC(2024, 5) },
        ],
      };
      assert.deepEqual(partitionsIn(await explain(monthly, may)), [
        bucket(BY_MONTH, { created_at: Date.UTC(2024, 4, 20) }),
      ]);
    });

    it('counts and compares in those partitions alone', async () => {
      const sent: Statement[] = [];
      const recorded: Database = {
        ...database,
        query: (statement, options) => {
          sent.push(statement);
          return database.query(statement, options);
        },
      };
      const query = { vector: random.vector(LARGE), k: 10, filter: equalTo('dept', 'Legal') };
      const { plan } = await vectorLeg(recorded, located, query, undefined);
      assert.deepEqual(plan, { strategy: 'exact', matches: CHUNKS / 5 });
      assert.equal(sent.length, 2);
      for (const { text, values = [] } of sent) {
        const rows = await database.query({ text: `explain ${text}`, values });
        const lines = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
        assert.deepEqual(partitionsIn(lines), [bucket(BY_DEPT, { dept: 'Legal' })]);
      }
    });

    it('asks the graphs sooner where most of what is in the partitions searched matches', async () => {
      const strategyOf = async (of: Located, filter: Filter): Promise<string> => {
        const { plan } = await vectorLeg(
          database,
          of,
          { vector: random.vector(LARGE), k: 10, filter },
          undefined,
        );
        return plan.strategy;
      };
      const anyDept: Filter = { kind: 'in', field: fieldRef('dept'), values: DEPTS };
      assert.equal(await strategyOf(located, anyDept), 'approximate');
      // As many, but in the partitions of another field: nothing is known of those.
      assert.equal(await strategyOf(monthly, anyDept), 'exact');
      assert.equal(await strategyOf(located, equalTo('dept', 'Legal')), 'exact');
    });

    it('finds at least 0.99 of what is nearest, through the graphs', async () => {
      const price = { kind: 'compare', field: fieldRef('price'), operator: 'lt', value: 3 } as const;
      const filters: readonly Filter[] = [
        ALL,
        equalTo('dept', 'Ops'),
        { kind: 'in', field: fieldRef('dept'), values: ['Ops', 'HR'] },
        { kind: 'exists', field: fieldRef('dept'), exists: false },
        price,
        { kind: 'and', filters: [price, equalTo('dept', 'Legal')] },
      ];
      for (const of of [located, monthly]) {
        for (const filter of filters) {
          let found = 0;
          let wanted = 0;
          const sent: Statement[] = [];
          for (let query = 0; query < 10; query += 1) {
            const vector = random.vector(LARGE);
            const exact = await vectorLeg(database, of, { vector, k: 10, filter, exact: true }, undefined);
            // Random vectors in so many dimensions are the hardest case for a graph.
            const asked = { vector, k: 10, filter, efSearch: 400 };
            const near = await vectorLeg(overGraphs(sent), of, asked, undefined, 0);
            assert.equal(near.plan.strategy, 'approximate');
            const ids = new Set(near.hits.map(({ chunkId }) => chunkId));
            wanted += exact.hits.length;
            found += exact.hits.filter(({ chunkId }) => ids.has(chunkId)).length;
          }
          const { text = '', values = [] } = sent.at(-1) ?? {};
          const plan = await overGraphs().query({ text: `explain ${text}`, values });
          const lines = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
          assert.match(lines, /Index Scan using \S*_embedding_idx/u);
          assert.doesNotMatch(lines, /Seq Scan/u);
          assert.ok(found / wanted >= 0.99, `${JSON.stringify(filter)}: recall ${String(found / wanted)}`);
        }
      }
    });

    it('under any filter finds through the graphs what comparing all finds', async () => {
      const drawn = createRandom(77);
      for (const [at, partitions] of RANDOM.entries()) {
        const collection = `random-${String(at)}`;
        const index = { ...hnsw(partitions), buildAfter: 1 } as const;
        const ref = await createIn(store, specOf({ name: collection, fields: FILTER_FIELDS, index }));
        const writes = Array.from({ length: 120 }, (_, document) =>
          writeOf(`d${String(document)}`, ['engine'], {
            values: randomValues(drawn),
            vectors: [drawn.vector(DIMENSIONS)],
          }),
        );
        await store.putDocuments(ref, PIN, writes);
        await store.finishLoad(ref);
        const of = await createPgCatalog(database).get(collection);
        for (let count = 0; count < 60; count += 1) {
          const input = randomFilter(drawn);
          const filter = parseFilter(input, FILTER_FIELDS);
          const query = { vector: drawn.vector(DIMENSIONS), k: 5, filter };
          const exact = await vectorLeg(database, of, { ...query, exact: true }, undefined);
          const near = await vectorLeg(overGraphs(), of, query, undefined, 0);
          assert.deepEqual(near.hits, exact.hits, JSON.stringify(input).slice(0, 1000));
        }
      }
    });

    it('leaves out graphs in which a filter on another field matches nothing', async () => {
      // Only documents of one department are open.
      const query = { vector: random.vector(LARGE), k: 10, filter: equalTo('open', true) };
      const sent: Statement[] = [];
      const { hits } = await vectorLeg(overGraphs(sent), located, query, undefined, 0);
      assert.equal(hits.length, 10);
      const own = String(bucket(BY_DEPT, { dept: 'HR' }));
      assert.match(sent.at(-1)?.text ?? '', new RegExp(`v\\.bucket in \\(${own}\\)`, 'u'));
    });

    it('keeps vectors uncompressed in every partition, as in one table', async () => {
      const rows = await database.query({
        text: `select c.relname, a.attstorage::text as storage from pg_inherits i join pg_class c on c.oid = i.inhrelid
          join pg_attribute a on a.attrelid = c.oid and a.attname = 'embedding'
          where i.inhparent = $1::regclass`,
        values: [located.tables.vectors],
      });
      assert.equal(rows.length, BY_DEPT.count + 1);
      assert.ok(rows.every((row) => row['storage'] === 'p'));
    });

    it('adds up the indexes of all partitions, for metrics and for the doctor', async () => {
      const [sum] = await database.query({
        text: `select sum(pg_relation_size(c.oid))::float8 as bytes, count(*)::integer as graphs from pg_class c
          where c.relname like $1 and c.relkind = 'i'`,
        values: [`${located.tables.vectors.replace('plumbline.', '')}%_embedding_idx`],
      });
      assert.equal(sum?.['graphs'], BY_DEPT.count + 1);
      assert.equal(await store.indexBytes?.('by-dept'), sum['bytes']);
      await store.createCollection(specOf({ name: 'empty', index: hnsw(BY_DEPT) }));
      const { indexes } = await inspectPostgres(database.kind, async (text, values = []) =>
        database.query({ text, values }),
      );
      const own = indexes.find(({ collection }) => collection === 'by-dept');
      assert.deepEqual(own, {
        collection: 'by-dept',
        kind: 'hnsw',
        chunks: CHUNKS,
        bytes: sum['bytes'],
        state: 'ready',
      });
      assert.equal(indexes.find(({ collection }) => collection === 'empty')?.state, 'not_built');
    });

    it('takes new fields in every partition, and loses no table when deleted', async () => {
      const ref = await createIn(store, specOf({ name: 'grows', index: hnsw(BY_DEPT) }));
      const { tables } = await createPgCatalog(database).get('grows');
      await store.addFields('grows', { colour: 'keyword' });
      const field = { name: 'colour', type: 'keyword' } as const;
      const filter: Filter = { kind: 'compare', field, operator: 'eq', value: 'red' };
      const writes = DEPTS.map((dept) => writeOf(dept, ['engine'], { values: { dept, colour: 'red' } }));
      await store.putDocuments(ref, PIN, [
        ...writes,
        writeOf('none', ['engine'], { values: { colour: 'red' } }),
      ]);
      const query = { vector: createRandom(3).vector(DIMENSIONS), k: 10, filter };
      assert.equal((await store.vectorLeg(ref, query)).hits.length, 5);
      assert.equal((await store.keywordLeg(ref, { text: 'engine', k: 10, filter })).length, 5);
      await store.deleteCollection('grows');
      assert.deepEqual(await tablesLike(tables.vectors), []);
    });

    it('has room for many partitions of many fields', async () => {
      const fields = Object.fromEntries(
        Array.from({ length: 20 }, (_, at) => [`field${String(at)}`, 'keyword'] as const),
      );
      const partitions: Partitions = { field: 'field0', count: 64, by: 'value' };
      const ref = await createIn(store, specOf({ name: 'many', fields, index: { ...hnsw(partitions) } }));
      const writes = Array.from({ length: 150 }, (_, at) =>
        writeOf(`d${String(at)}`, ['engine'], { values: { field0: String(at) } }),
      );
      await store.putDocuments(ref, PIN, writes);
      await store.finishLoad(ref);
      const query = { vector: createRandom(3).vector(DIMENSIONS), k: 150, filter: ALL };
      assert.equal((await store.vectorLeg(ref, query)).hits.length, 150);
      await store.deleteCollection('many');
    });

    it('belongs to a generation: another may have others, or none, and each stays as it was', async () => {
      const { generations } = store;
      assert.ok(generations !== undefined);
      const collection = 'moves';
      const ref = await createIn(store, specOf({ name: collection, index: hnsw(), fields: FIELDS }));
      const writes = randomWrites(createRandom(8), 60);
      await store.putDocuments(ref, PIN, writes);
      const make = async (partitions: Partitions): Promise<number> => {
        const { chunker, metric, embedder } = specOf({ name: collection });
        const index = hnsw(partitions);
        const { id } = await generations.create(collection, { embedder, pin: PIN, chunker, metric, index });
        const put = await generations.putChunks(
          { collection, generation: id },
          PIN,
          writes.map(({ document, contentHash, chunks }) => ({
            documentId: document.id,
            contentHash,
            chunks,
          })),
        );
        assert.equal(put.length, writes.length);
        await store.finishLoad({ collection, generation: id });
        return id;
      };
      const legs = async (generation: number): Promise<unknown> => {
        const answers: unknown[] = [];
        const own = { collection, generation };
        for (const filter of [ALL, equalTo('dept', 'Legal'), equalTo('created_at', Date.UTC(2024, 2, 1))]) {
          const { hits } = await store.vectorLeg(own, {
            vector: createRandom(9).vector(DIMENSIONS),
            k: 500,
            filter,
          });
          const words = await store.keywordLeg(own, { text: 'engine', k: 500, filter });
          answers.push([hits, words].map((leg) => leg.map(({ chunkId }) => chunkId).toSorted()));
        }
        return answers;
      };
      const expected = await legs(ref.generation);
      const second = await make(BY_DEPT);
      assert.deepEqual(await legs(second), expected);
      await generations.activate({ collection, generation: second }, ref.generation);
      const third = await make(BY_MONTH);
      assert.deepEqual(await legs(third), expected);

      // Written once, it changes partition in each generation that has partitions.
      const [first] = writes;
      assert.ok(first !== undefined);
      const values = { dept: 'Sales', created_at: Date.UTC(2024, 9, 1) };
      const changed = writeOf(first.document.id, ['engine anew'], { version: '2', values });
      const beside = [ref.generation, third].map((generation) => ({
        generation,
        pin: PIN,
        chunks: new Map([[changed.document.id, changed.chunks]]),
      }));
      await store.putDocuments({ collection, generation: second }, PIN, [changed], { beside });
      const now = await legs(ref.generation);
      assert.notDeepEqual(now, expected);
      for (const generation of [second, third]) assert.deepEqual(await legs(generation), now);

      await generations.activate({ collection, generation: third }, second);
      await generations.activate({ collection, generation: second }, third);
      assert.deepEqual((await store.getCollection(collection))?.generation.index, hnsw(BY_DEPT));
      const { tables } = await createPgCatalog(database).locate({ collection, generation: third });
      await generations.drop({ collection, generation: third });
      assert.deepEqual(await tablesLike(tables.vectors), []);
      assert.deepEqual(await legs(second), now);
      await store.deleteDocuments(
        collection,
        writes.map(({ document }) => document.id),
      );
      for (const generation of [ref.generation, second]) {
        const query = { vector: createRandom(9).vector(DIMENSIONS), k: 10, filter: ALL };
        assert.deepEqual((await store.vectorLeg({ collection, generation }, query)).hits, []);
      }
    });

    async function tablesLike(table: string): Promise<readonly unknown[]> {
      const rows = await database.query({
        text: `select relname from pg_class where relname like $1`,
        values: [`${table.replace('plumbline.', '')}%`],
      });
      return rows.map((row) => row['relname']);
    }
  });
}

/** Four departments and one part of the documents without any; months of one year. */
function valuesOf(at: number): FieldValues {
  const dept = DEPTS[at % 5];
  return {
    ...(dept === undefined ? {} : { dept }),
    ...(dept === 'HR' ? { open: true } : {}),
    price: at % 7,
    created_at: Date.UTC(2024, at % 11, 1 + (at % 28)),
  };
}
