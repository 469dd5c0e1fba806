/** A database of the first schema, with postings in arrays, answers as before once it is brought up to date. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPgCatalog } from '../../src/stores/pgvector/catalog.js';
import type { Database } from '../../src/stores/pgvector/database.js';
import { openPgVectorStore } from '../../src/stores/pgvector/index.js';
import { readPostings } from '../../src/stores/pgvector/postings.js';
import type { GenerationRef, LegHit, VectorStore } from '../../src/stores/port.js';
import { ALL, PIN, createIn, randomWrites, specOf } from '../conformance/store/fixtures.js';
import { createRandom } from '../support/random.js';
import { databaseNames, makeTestDatabase, openTestDatabase } from '../support/stores.js';
import type { TestDatabase } from '../support/stores.js';

const NAME = 'earlier';
const QUESTIONS = ['engine', 'valve running', 'gasket rotor 漢字 pulley', 'C++'];

for (const name of databaseNames()) {
  describe(`migration: ${name}`, () => {
    it('packs postings that were arrays', async () => {
      const made = await makeTestDatabase(name);
      try {
        const before = await withStore(made, async (store) => {
          const ref = await createIn(store, specOf({ name: NAME }));
          const writes = randomWrites(createRandom(3), 200);
          for (let at = 0; at < writes.length; at += 40) {
            await store.putDocuments(ref, PIN, writes.slice(at, at + 40));
          }
          return ask(store, ref);
        });
        const database = await openTestDatabase(made);
        await toFirstSchema(database);
        await database.close();
        await withStore(made, async (store) => {
          const collection = await store.getCollection(NAME);
          const ref = { collection: NAME, generation: collection?.generation.id ?? 0 };
          assert.deepEqual(await ask(store, ref), before);
          // Written over, removed and merged, they are still what they should be.
          const random = createRandom(4);
          for (const write of randomWrites(random, 20, '2')) await store.putDocuments(ref, PIN, [write]);
          const changed = await ask(store, ref);
          await store.finishLoad(ref);
          assert.deepEqual(await ask(store, ref), changed);
          await store.deleteDocuments(
            NAME,
            Array.from({ length: 200 }, (_, at) => `doc-${String(at)}`),
          );
          assert.deepEqual(
            await ask(store, ref),
            QUESTIONS.map(() => []),
          );
        });
      } finally {
        await made.remove();
      }
    });
  });
}

async function withStore<T>(
  { connection }: TestDatabase,
  work: (store: VectorStore) => Promise<T>,
): Promise<T> {
  const store = await openPgVectorStore({ connection, statementTimeoutMs: 60_000 });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function ask(store: VectorStore, ref: GenerationRef): Promise<readonly (readonly LegHit[])[]> {
  return Promise.all(QUESTIONS.map((text) => store.keywordLeg(ref, { text, k: 1000, filter: ALL })));
}

/** Undoes the second migration. */
async function toFirstSchema(database: Database): Promise<void> {
  const { tables } = await createPgCatalog(database).get(NAME);
  const rows = await database.query({ text: `select term, segment, entries from ${tables.postings}` });
  await database.query({
    text: `alter table ${tables.postings} drop column entries,
      add column keys bigint[], add column frequencies integer[], add column lengths integer[]`,
  });
  for (const row of rows) {
    const [keys, frequencies, lengths]: [number[], number[], number[]] = [[], [], []];
    for (const { key, frequency, length } of readPostings(row['entries'] as Buffer)) {
      keys.push(key);
      frequencies.push(frequency);
      lengths.push(length);
    }
    await database.query({
      text: `update ${tables.postings} set keys = $3, frequencies = $4, lengths = $5
        where term = $1 and segment = $2`,
      values: [row['term'], row['segment'], keys, frequencies, lengths],
    });
  }
  await database.query({ text: `drop index ${tables.postings}_segment_idx` });
  await database.query({ text: `alter table ${tables.chunks} add column segment bigint not null default 1` });
  await database.query({ text: 'delete from plumbline.schema_migrations where version = 2' });
}
