/** An HNSW index over half-precision numbers: smaller, used, and with the scores of whole ones. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toSql } from 'pgvector';
import { createPgCatalog } from '../../src/stores/pgvector/catalog.js';
import type { Located } from '../../src/stores/pgvector/catalog.js';
import type { Database } from '../../src/stores/pgvector/database.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { createVectorIndex } from '../../src/stores/pgvector/tables.js';
import { approximateSql } from '../../src/stores/pgvector/vector-leg.js';
import type { Compression, Metric } from '../../src/model.js';
import type { VectorStore } from '../../src/stores/port.js';
import { PIN, createIn, specOf, writeOf } from '../conformance/store/fixtures.js';
import { createRandom } from '../support/random.js';
import { databaseNames, makeTestDatabase } from '../support/stores.js';
import type { TestDatabase } from '../support/stores.js';

const CHUNKS = 3000;
const DIMENSIONS = 384;
const METRICS: readonly Metric[] = ['cosine', 'dot', 'l2'];

for (const name of databaseNames()) {
  describe(`half precision: ${name}`, () => {
    const random = createRandom(17);
    const pin = { ...PIN, dimensions: DIMENSIONS };
    let made: TestDatabase;
    let store: VectorStore;
    let database: Database;

    const load = async (metric: Metric, compression: Compression | null): Promise<Located> => {
      const collection = `${metric}-${compression ?? 'whole'}`;
      const index = {
        kind: 'hnsw',
        m: 8,
        efConstruction: 32,
        buildAfter: 100,
        ...(compression === null ? {} : { compression }),
      } as const;
      const ref = await createIn(store, specOf({ name: collection, pin, metric, index }));
      const vectors = Array.from({ length: CHUNKS }, () => random.vector(DIMENSIONS));
      const texts = vectors.map(() => 'engine');
      await store.putDocuments(ref, pin, [writeOf('a', texts, { vectors })]);
      await store.finishLoad(ref);
      return createPgCatalog(database).get(collection);
    };
    const indexBytes = async ({ tables }: Located): Promise<number> => {
      const [row] = await database.query({
        text: `select sum(pg_relation_size(i.indexrelid))::float8 as bytes from pg_index i
          join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
          where i.indrelid = $1::regclass and a.amname = 'hnsw'`,
        values: [tables.vectors],
      });
      return Number(row?.['bytes']);
    };

    before(async () => {
      made = await makeTestDatabase(name);
      store = await openPgVectorStore({
        connection: made.connection,
        statementTimeoutMs: 60_000,
        onDatabase: (own) => {
          database = own;
        },
      });
    });
    after(async () => {
      await store.close();
      await made.remove();
    });

    it('is what the store says it can do', () => {
      assert.deepEqual(store.capabilities.compression, { levels: ['2x'], onDisk: false });
    });

    for (const metric of METRICS) {
      it(`${metric}: the index answers, with the scores of the exact search`, async () => {
        const located = await load(metric, '2x');
        const query = random.vector(DIMENSIONS);
        const values = [toSql(Array.from(query)), 100];
        const plan = await database.query({ text: `explain ${approximateSql(located, 'true')}`, values });
        const text = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
        assert.match(text, /Index Scan using \S*embedding_idx/u);

        const { generation } = located.collection;
        const ref = { collection: located.collection.name, generation: generation.id };
        const ask = { vector: query, k: 10, filter: { kind: 'all' } } as const;
        const rough = await store.vectorLeg(ref, { ...ask, efSearch: 1000 });
        const exact = await store.vectorLeg(ref, { ...ask, exact: true });
        assert.equal(rough.plan.strategy, 'approximate');
        // Random vectors in so many dimensions are the hardest case for a graph.
        const scores = new Map(exact.hits.map((hit) => [hit.chunkId, hit.score]));
        const shared = rough.hits.filter((hit) => scores.has(hit.chunkId));
        assert.ok(shared.length >= 8, `${String(shared.length)} of ten found`);
        for (const hit of shared) assert.equal(hit.score, scores.get(hit.chunkId));
      });
    }

    it('takes little more than half the room', async () => {
      const whole = await load('cosine', null);
      const halved = await createPgCatalog(database).get('cosine-2x');
      const share = (await indexBytes(halved)) / (await indexBytes(whole));
      assert.ok(share < 0.65, `${share.toFixed(2)} of the size`);
    });
  });
}

describe('the index of a compressed collection', () => {
  it('is over halves, and that of another is over whole vectors', () => {
    const size = { rows: 1, dimensions: 384 };
    const index = { kind: 'hnsw', m: 16, efConstruction: 64, buildAfter: 0 } as const;
    assert.match(
      createVectorIndex('t', 'dot', { ...index, compression: '2x' }, size) ?? '',
      /hnsw \(\(embedding::halfvec\(384\)\) halfvec_ip_ops\)/u,
    );
    assert.match(createVectorIndex('t', 'dot', index, size) ?? '', /hnsw \(embedding vector_ip_ops\)/u);
  });
});
