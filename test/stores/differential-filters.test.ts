/**
 * Seeded random filters over a seeded random corpus: whatever a filter is, every store lists,
 * counts and finds what the memory store does.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Filter, JsonObject } from '../../src/model.js';
import { parseFilter } from '../../src/retrieval/filter/parse.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { GenerationRef, LegHit, VectorStore } from '../../src/stores/port.js';
import { DIMENSIONS, PIN, createIn, specOf, writeOf } from '../conformance/store/fixtures.js';
import { FILTER_FIELDS, randomFilter, randomValues } from '../support/filters.js';
import { createRandom } from '../support/random.js';
import { testStores } from '../support/stores.js';
import type { OpenedStore } from '../support/stores.js';

const SEED = 20_240_229;
const DOCUMENTS = 200;
const FILTERS = 2000;
/** Filters of one test, so that a failure names its part. */
const PART = 250;
const CONCURRENCY = 8;
/** More than there is. */
const EVERYTHING = 1000;

/** One corpus in one store: without an index, and behind one. */
interface Loaded {
  readonly store: VectorStore;
  readonly plain: GenerationRef;
  readonly indexed: GenerationRef;
}

for (const { name, open } of testStores().filter((store) => store.name !== 'memory')) {
  describe(`${String(FILTERS)} filters on ${name} mean what they mean in memory`, () => {
    let opened: OpenedStore | undefined;
    let actual: Loaded;
    let expected: Loaded;
    before(async () => {
      opened = await open();
      actual = await load(opened.store);
      expected = await load(createMemoryStore());
    });
    after(async () => {
      await opened?.close();
    });

    const filters = makeFilters();
    for (let from = 0; from < FILTERS; from += PART) {
      it(`filters ${String(from)} to ${String(from + PART - 1)}`, async () => {
        const part = filters
          .slice(from, from + PART)
          .map((filter, index) => ({ filter, index: from + index }));
        const workers = Array.from({ length: CONCURRENCY }, async () => {
          for (let next = part.shift(); next !== undefined; next = part.shift()) {
            await compare(actual, expected, next.filter, next.index);
          }
        });
        await Promise.all(workers);
      });
    }
  });
}

describe('the filters', () => {
  it('select now few, now many documents, so that equality says something', async () => {
    const { store, plain } = await load(createMemoryStore());
    let some = 0;
    for (const filter of makeFilters()) {
      const count = await store.countDocuments(plain.collection, parseFilter(filter, FILTER_FIELDS));
      if (count > 0 && count < DOCUMENTS) some += 1;
    }
    assert.ok(some > FILTERS * 0.75, `only ${String(some)} select some documents`);
  });
});

function makeFilters(): readonly JsonObject[] {
  const random = createRandom(SEED);
  return Array.from({ length: FILTERS }, () => randomFilter(random));
}

async function load(store: VectorStore): Promise<Loaded> {
  const random = createRandom(SEED + 1);
  const writes = Array.from({ length: DOCUMENTS }, (_, at) => {
    const texts = Array.from(
      { length: 1 + (at % 2) },
      (__, part) => `engine part${String(part)} unit${String(at)}`,
    );
    return writeOf(`d${String(at)}`, texts, {
      values: randomValues(random),
      vectors: texts.map(() => random.vector(DIMENSIONS)),
    });
  });
  const plain = await createIn(store, specOf({ name: 'plain', fields: FILTER_FIELDS }));
  const index = { kind: 'hnsw', m: 8, efConstruction: 32, buildAfter: 50 } as const;
  const indexed = await createIn(store, specOf({ name: 'indexed', fields: FILTER_FIELDS, index }));
  for (const ref of [plain, indexed]) {
    await store.putDocuments(ref, PIN, writes);
    await store.finishLoad(ref);
  }
  return { store, plain, indexed };
}

async function compare(actual: Loaded, expected: Loaded, input: JsonObject, index: number): Promise<void> {
  const filter = parseFilter(input, FILTER_FIELDS);
  const vector = createRandom(index).vector(DIMENSIONS);
  const [got, wanted] = await Promise.all(
    [actual, expected].map((loaded) => select(loaded, filter, vector, index)),
  );
  const shown = JSON.stringify(input);
  assert.deepEqual(
    got,
    wanted,
    `filter ${String(index)}: ${shown.length > 2000 ? `${shown.slice(0, 2000)}…` : shown}`,
  );
}

/** Ids by listing, how many by counting, and the chunks of both legs. */
async function select(
  { store, plain, indexed }: Loaded,
  filter: Filter,
  vector: Float32Array,
  index: number,
): Promise<unknown> {
  const [page, count, { hits }, keywords] = await Promise.all([
    store.listDocuments(plain.collection, { filter, limit: EVERYTHING }),
    store.countDocuments(plain.collection, filter),
    store.vectorLeg(index % 2 === 0 ? plain : indexed, { vector, k: EVERYTHING, filter }),
    store.keywordLeg(plain, { text: 'engine', k: EVERYTHING, filter }),
  ]);
  const chunkIds = (leg: readonly LegHit[]): readonly string[] =>
    leg.map(({ chunkId }) => chunkId).toSorted();
  return {
    documents: page.items.map(({ id }) => id),
    next: page.next,
    count,
    vector: chunkIds(hits),
    keyword: chunkIds(keywords),
  };
}
