/**
 * Seeded random filters over a seeded random corpus: whatever a filter is, the store lists, counts
 * and finds what the reference does.
 */
import assert from 'node:assert/strict';
import type { Filter, JsonObject } from '../../model.js';
import { parseFilter } from '../../retrieval/filter/parse.js';
import type { GenerationRef, LegHit, VectorStore } from '../../stores/port.js';
import { shared } from '../check.js';
import type { Check, CheckGroup, Context } from '../check.js';
import { FILTER_FIELDS, randomFilter, randomValues } from '../filters.js';
import { DIMENSIONS, PIN, createIn, specOf, writeOf } from '../fixtures.js';
import { inParallel } from '../in-parallel.js';
import { createRandom } from '../random.js';

const SEED = 20_240_229;
export const DOCUMENTS = 200;
/** Filters of one check, so that a failure names its part. */
const PART = 250;
const CONCURRENCY = 8;
/** More than there is. */
const EVERYTHING = 1000;
const SHOWN_CHARACTERS = 2000;

/** One corpus in one store: without an index, and behind one. */
export interface Corpus {
  readonly store: VectorStore;
  readonly plain: GenerationRef;
  readonly indexed: GenerationRef;
}

/** That many filters, in checks of a few hundred each. */
export function filterChecks(count: number): CheckGroup {
  const both = shared(async (context) => {
    const base = context.newName();
    return {
      actual: await loadCorpus(context.store(), base),
      expected: await loadCorpus(context.reference(), base),
      filters: makeFilters(count),
    };
  });
  const parts = Array.from({ length: Math.ceil(count / PART) }, (_, part): Check => {
    const from = part * PART;
    const to = Math.min(count, from + PART);
    return {
      name: `filters ${String(from)} to ${String(to - 1)}`,
      async run(context: Context): Promise<void> {
        const { actual, expected, filters } = await both(context);
        await inParallel(CONCURRENCY, [...filters.slice(from, to).entries()], ([at, filter]) =>
          compare(actual, expected, filter, from + at),
        );
      },
    };
  });
  return { name: 'random filters mean what they mean in memory', checks: parts };
}

/** The first so many of one endless row of filters. */
export function makeFilters(count: number): readonly JsonObject[] {
  const random = createRandom(SEED);
  return Array.from({ length: count }, () => randomFilter(random));
}

/** Puts the corpus into two collections whose names begin with `base`. */
export async function loadCorpus(store: VectorStore, base: string): Promise<Corpus> {
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
  const plain = await createIn(store, specOf({ name: `${base}-plain`, fields: FILTER_FIELDS }));
  const index = { kind: 'hnsw', m: 8, efConstruction: 32, buildAfter: 50 } as const;
  const indexed = await createIn(store, specOf({ name: `${base}-indexed`, fields: FILTER_FIELDS, index }));
  for (const ref of [plain, indexed]) {
    await store.putDocuments(ref, PIN, writes);
    await store.finishLoad(ref);
  }
  return { store, plain, indexed };
}

async function compare(actual: Corpus, expected: Corpus, input: JsonObject, index: number): Promise<void> {
  const filter = parseFilter(input, FILTER_FIELDS);
  const vector = createRandom(index).vector(DIMENSIONS);
  const [got, wanted] = await Promise.all(
    [actual, expected].map((corpus) => select(corpus, filter, vector, index)),
  );
  const shown = JSON.stringify(input);
  const cut = shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)}…` : shown;
  assert.deepEqual(got, wanted, `filter ${String(index)}: ${cut}`);
}

/** Ids by listing, how many by counting, and the chunks of both legs. */
async function select(
  { store, plain, indexed }: Corpus,
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
