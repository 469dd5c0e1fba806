import assert from 'node:assert/strict';
import type { Filter, Language, Metric } from '../../model.js';
import type { DocumentWrite } from '../../stores/port.js';
import { createRandom } from '../random.js';
import type { Random } from '../random.js';
import { assertSameKeywordLeg, assertSameVectorLeg } from '../compare.js';
import type { Place } from '../compare.js';
import {
  ALL,
  DIMENSIONS,
  PIN,
  createIn,
  equalTo,
  fieldRef,
  randomWrites,
  specOf,
  textFrom,
  writeOf,
} from '../fixtures.js';
import { shared } from '../check.js';
import type { Check, CheckGroup, Context } from '../check.js';

const METRICS: readonly Metric[] = ['cosine', 'dot', 'l2'];

const FILTERS: Readonly<Record<string, Filter>> = {
  everything: ALL,
  nothing: { kind: 'none' },
  'an empty string': equalTo('dept', ''),
  zero: equalTo('price', 0),
  false: equalTo('open', false),
  'not zero, or no price': { kind: 'not', filter: equalTo('price', 0) },
  'no dept': { kind: 'exists', field: fieldRef('dept'), exists: false },
  'one of the tags': { kind: 'in', field: fieldRef('tags'), values: ['a', 'z'] },
  'no value asked for': { kind: 'in', field: fieldRef('tags'), values: [] },
  'from a date': {
    kind: 'compare',
    field: fieldRef('created_at'),
    operator: 'gte',
    value: Date.UTC(2024, 5, 1),
  },
  'a few': {
    kind: 'and',
    filters: [equalTo('dept', 'Legal'), equalTo('open', true), equalTo('tags', 'b')],
  },
};

/** Both legs against the reference's, a group for each metric. */
export const legChecks: readonly CheckGroup[] = METRICS.map((metric) => {
  const language: Language = metric === 'l2' ? 'none' : 'english';
  const loaded = shared((context) => load(context, metric, language));
  return {
    name: `legs under ${metric}`,
    checks: [
      ...Object.entries(FILTERS).map(([name, filter]): Check => ({
        name: `equal the reference's, filtered by ${name}`,
        async run(context: Context): Promise<void> {
          const { actual, expected, random } = await loaded(context);
          for (const k of [1, 10, 1000]) {
            const text = textFrom(random, 1 + random.int(6));
            await assertSameKeywordLeg(actual, expected, { text, k, filter });
            await assertSameVectorLeg(actual, expected, { vector: random.vector(DIMENSIONS), k, filter });
          }
        },
      })),

      {
        name: 'breaks ties by chunk id',
        async run(context: Context): Promise<void> {
          const { actual, expected, writes } = await loaded(context);
          const vector = writes.at(-1)?.chunks[0]?.vector ?? assert.fail();
          const twins = writes
            .slice(-3)
            .map(({ chunks }) => chunks[0]?.id ?? '')
            .toSorted();
          const legal = equalTo('dept', 'Legal');
          const hits = await assertSameVectorLeg(actual, expected, { vector, k: 1000, filter: legal });
          assert.deepEqual(
            hits.map(({ chunkId }) => chunkId).filter((id) => twins.includes(id)),
            twins,
          );
          for (const k of [1, 2, 3, 1000]) {
            await assertSameKeywordLeg(actual, expected, { text: 'engine valve', k, filter: ALL });
          }
        },
      },

      {
        name: 'scores named chunks as the legs do, to the bit',
        async run(context: Context): Promise<void> {
          const { actual, writes, random } = await loaded(context);
          const { store, ref } = actual;
          const vector = random.vector(DIMENSIONS);
          const text = 'engine motor running v1.2 unheardof';
          const vectorHits = (await store.vectorLeg(ref, { vector, k: 1000, filter: ALL })).hits;
          const keywordHits = await store.keywordLeg(ref, { text, k: 1000, filter: ALL });
          const keywords = new Map(keywordHits.map(({ chunkId, score }) => [chunkId, score]));
          const all = writes.flatMap(({ chunks }) => chunks.map(({ id }) => id));
          assert.equal(vectorHits.length, all.length);
          assert.ok(keywordHits.length > 10 && keywordHits.length < all.length);

          const scores = await store.scoreChunks(ref, { chunkIds: [...all, 'f'.repeat(64)], vector, text });
          assert.deepEqual([...scores.keys()].toSorted(), all.toSorted());
          for (const { chunkId, score } of vectorHits) {
            assert.deepEqual(scores.get(chunkId), { vector: score, keyword: keywords.get(chunkId) ?? 0 });
          }
          const some = all.slice(0, 3);
          for (const [id, score] of await store.scoreChunks(ref, { chunkIds: some, text })) {
            assert.deepEqual(score, { vector: null, keyword: keywords.get(id) ?? 0 });
          }
          for (const [id, score] of await store.scoreChunks(ref, { chunkIds: some, vector })) {
            assert.deepEqual(score, { vector: scores.get(id)?.vector, keyword: null });
          }
          assert.equal((await store.scoreChunks(ref, { chunkIds: [], vector, text })).size, 0);
        },
      },

      {
        name: 'scores equal the reference, of chunks that a leg did not find too',
        async run(context: Context): Promise<void> {
          const { actual, expected, writes } = await loaded(context);
          const text = 'rotor ERR_TIMEOUT 漢字 größe';
          const chunkIds = writes.flatMap(({ chunks }) => chunks.map(({ id }) => id));
          const [got, wanted] = await Promise.all(
            [actual, expected].map(({ store, ref }) => store.scoreChunks(ref, { chunkIds, text })),
          );
          assert.deepEqual(new Map([...(got ?? [])].sort()), new Map([...(wanted ?? [])].sort()));
        },
      },

      {
        name: 'finds nothing for a question without a word it knows',
        async run(context: Context): Promise<void> {
          const { actual } = await loaded(context);
          const odd = ['', '  ', '?!', 'zyzzyva', '\ud800', "'; drop table chunks; --"];
          for (const text of language === 'english' ? [...odd, 'the of and'] : odd) {
            assert.deepEqual(await actual.store.keywordLeg(actual.ref, { text, k: 10, filter: ALL }), []);
          }
        },
      },

      {
        name: 'weighs a word by how often the question says it',
        async run(context: Context): Promise<void> {
          const { actual, expected } = await loaded(context);
          for (const text of ['engine engine engine rotor', `${'valve '.repeat(300)}cable`]) {
            await assertSameKeywordLeg(actual, expected, { text, k: 20, filter: ALL });
          }
        },
      },

      {
        name: 'says how it searched',
        async run(context: Context): Promise<void> {
          const { actual, random } = await loaded(context);
          const filter = equalTo('dept', 'Legal');
          const vector = random.vector(DIMENSIONS);
          const { hits, plan } = await actual.store.vectorLeg(actual.ref, {
            vector,
            k: 1000,
            filter,
            exact: true,
          });
          assert.equal(plan.strategy, 'exact');
          assert.ok(plan.matches === null || plan.matches <= hits.length);
        },
      },
    ],
  };
});

interface Loaded {
  readonly actual: Place;
  readonly expected: Place;
  readonly writes: readonly DocumentWrite[];
  readonly random: Random;
}

/** The same documents in the store and in the reference. */
async function load(context: Context, metric: Metric, language: Language): Promise<Loaded> {
  const random = createRandom(METRICS.indexOf(metric) + 10);
  const reference = context.reference();
  const name = context.newName();
  const spec = specOf({ name, metric, language });
  const actual = { store: context.store(), ref: await createIn(context.store(), spec) };
  const expected = { store: reference, ref: await createIn(reference, spec) };
  const twin = randomWrites(random, 1)[0]?.chunks[0]?.vector ?? new Float32Array(DIMENSIONS);
  const writes = [
    ...randomWrites(random, 60),
    // Equal scores in both legs.
    ...['twin-a', 'twin-b', 'twin-c'].map((id) =>
      writeOf(id, ['engine valve'], { vectors: [twin], values: { dept: 'Legal' } }),
    ),
  ];
  for (const { store, ref } of [actual, expected]) {
    await store.putDocuments(ref, PIN, writes.slice(0, 40));
    await store.putDocuments(ref, PIN, writes.slice(40));
    await store.finishLoad(ref);
  }
  return { actual, expected, writes, random };
}
