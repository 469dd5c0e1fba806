/** How the database answers the vector leg: by the index, never by reading the whole table. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toSql } from 'pgvector';
import { createPgCatalog } from '../../src/stores/pgvector/catalog.js';
import type { Located } from '../../src/stores/pgvector/catalog.js';
import type { Database } from '../../src/stores/pgvector/database.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { approximateSql } from '../../src/stores/pgvector/vector-leg.js';
import { PIN, createIn, specOf, writeOf } from '../conformance/store/fixtures.js';
import { createRandom } from '../support/random.js';
import { databaseNames, makeTestDatabase, openTestDatabase } from '../support/stores.js';
import type { TestDatabase } from '../support/stores.js';

/** Enough for reading the whole table to cost more than the index. */
const CHUNKS = 6000;
const DIMENSIONS = 384;
const NAME = 'plans';

for (const name of databaseNames()) {
  describe(`plans: ${name}`, () => {
    const random = createRandom(5);
    let made: TestDatabase;
    let database: Database;
    let located: Located;

    before(async () => {
      made = await makeTestDatabase(name);
      await load(made);
      database = await openTestDatabase(made);
      located = await createPgCatalog(database).get(NAME);
    });

    after(async () => {
      await database.close();
      await made.remove();
    });

    const explain = async (text: string): Promise<string> => {
      const values = [toSql(Array.from(random.vector(DIMENSIONS))), 10];
      const rows = await database.query({ text: `explain ${text}`, values });
      return rows.map((row) => String(row['QUERY PLAN']).replaceAll(/\[[^\]]*\]/gu, '[…]')).join('\n');
    };

    it('the unfiltered vector leg is answered by the HNSW index', async () => {
      const plan = await explain(approximateSql(located, 'true'));
      assert.match(plan, /Index Scan using \S*_embedding_idx/u);
      assert.doesNotMatch(plan, /Seq Scan/u);
    });

    it('the same, written with the score in the order, would read the whole table', async () => {
      const plan = await explain(
        `select chunk_id from ${located.tables.vectors} order by 1 - (embedding <=> $1::vector) desc limit $2`,
      );
      assert.match(plan, /Seq Scan/u);
    });

    async function load({ connection }: TestDatabase): Promise<void> {
      const store = await openPgVectorStore({ connection, statementTimeoutMs: 60_000 });
      try {
        const pin = { ...PIN, dimensions: DIMENSIONS };
        const index = { kind: 'hnsw', m: 8, efConstruction: 16, buildAfter: 100 } as const;
        const ref = await createIn(store, specOf({ name: NAME, pin, index }));
        const vectors = Array.from({ length: CHUNKS }, () => random.vector(DIMENSIONS));
        await store.putDocuments(ref, pin, [
          writeOf(
            'a',
            vectors.map(() => 'engine'),
            { vectors },
          ),
        ]);
        await store.finishLoad(ref);
      } finally {
        await store.close();
      }
    }
  });
}
