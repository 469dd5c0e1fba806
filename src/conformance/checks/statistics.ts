import assert from 'node:assert/strict';
import type { DocumentWrite } from '../../stores/port.js';
import { createRandom } from '../random.js';
import { assertSameKeywordLeg } from '../compare.js';
import type { Place } from '../compare.js';
import { ALL, PIN, createIn, equalTo, randomWrite, specOf, textFrom } from '../fixtures.js';
import type { Check, CheckGroup, Context } from '../check.js';

const STEPS = 60;

/** BM25 statistics after any history equal those of the same documents written at once. */
export const statisticsChecks: CheckGroup = {
  name: 'BM25 statistics',
  checks: [1, 2, 3].map((seed): Check => ({
    name: `BM25 statistics are exact after any writes and deletes (seed ${String(seed)})`,
    async run(context: Context): Promise<void> {
      const random = createRandom(seed);
      const actual: Place = { store: context.store(), ref: await context.create() };
      const held = new Map<string, DocumentWrite>();
      for (let step = 0; step < STEPS; step += 1) {
        await change(actual, held, random, String(step));
        if (step % 20 === 0) await actual.store.finishLoad(actual.ref);
        if (step % 15 === 14) await compareWithFresh(actual, held, context);
      }
      await actual.store.deleteDocuments(actual.ref.collection, [...held.keys()]);
      held.clear();
      assert.deepEqual(await actual.store.countCollection(actual.ref.collection), {
        documents: 0,
        chunks: 0,
      });
      const [last] = [randomWrite(random, 'last', 'last')];
      await actual.store.putDocuments(actual.ref, PIN, [last]);
      held.set('last', last);
      await compareWithFresh(actual, held, context);
    },
  })),
};

/** The same when many write at once. */
export const concurrentStatisticsChecks: CheckGroup = {
  name: 'BM25 statistics under concurrent writers',
  checks: [
    {
      name: 'are exact when many write different documents',
      async run(context: Context): Promise<void> {
        const random = createRandom(50);
        const actual: Place = { store: context.store(), ref: await context.create() };
        const writes = Array.from({ length: 24 }, (_, at) => randomWrite(random, `w${String(at)}`, '1'));
        await Promise.all(writes.map((write) => actual.store.putDocuments(actual.ref, PIN, [write])));
        await compareWithFresh(actual, byId(writes), context);
      },
    },

    {
      name: 'are exact when many write and remove the same documents, in any order of ids',
      async run(context: Context): Promise<void> {
        const random = createRandom(51);
        const { store, ref } = { store: context.store(), ref: await context.create() };
        const ids = ['a', 'b', 'c', 'd'];
        await Promise.all(
          Array.from({ length: 16 }, async (_, at) => {
            const order = random.shuffle(ids);
            if (at % 5 === 4) await store.deleteDocuments(ref.collection, order);
            else
              await store.putDocuments(
                ref,
                PIN,
                order.map((id) => randomWrite(random, id, String(at))),
              );
          }),
        );
        const final = ids.map((id) => randomWrite(random, id, 'final'));
        await store.putDocuments(ref, PIN, final.slice(0, 2));
        await store.deleteDocuments(ref.collection, ids.slice(2));
        await compareWithFresh({ store, ref }, byId(final.slice(0, 2)), context);
      },
    },
  ],
};

async function change(
  { store, ref }: Place,
  held: Map<string, DocumentWrite>,
  random: ReturnType<typeof createRandom>,
  version: string,
): Promise<void> {
  const anyId = (): string => `doc-${String(random.int(25))}`;
  const kind = random.next();
  if (kind < 0.65) {
    const ids = new Set(Array.from({ length: 1 + random.int(5) }, anyId));
    const writes = [...ids].map((id) => randomWrite(random, id, version));
    await store.putDocuments(ref, PIN, writes);
    for (const write of writes) held.set(write.document.id, write);
  } else if (kind < 0.85) {
    const ids = [...new Set([anyId(), anyId()])];
    const there = ids.filter((id) => held.delete(id)).length;
    assert.equal(await store.deleteDocuments(ref.collection, ids), there);
  } else {
    const dept = random.pick(['Legal', 'Sales', 'Ops', '']);
    const gone = [...held].filter(([, { values }]) => values['dept'] === dept);
    assert.equal(await store.deleteByFilter(ref.collection, equalTo('dept', dept)), gone.length);
    for (const [id] of gone) held.delete(id);
  }
}

/** The same documents put at once into an empty place: in memory, and in this store. */
async function compareWithFresh(
  actual: Place,
  held: ReadonlyMap<string, DocumentWrite>,
  context: Context,
): Promise<void> {
  const memory = context.reference();
  const reference: Place = { store: memory, ref: await createIn(memory, specOf({ name: 'fresh' })) };
  await memory.putDocuments(reference.ref, PIN, [...held.values()]);
  const twin: Place = { store: context.store(), ref: await context.create() };
  await twin.store.putDocuments(twin.ref, PIN, [...held.values()]);
  assert.deepEqual(
    await actual.store.countCollection(actual.ref.collection),
    await memory.countCollection('fresh'),
  );
  const random = createRandom(held.size);
  for (let query = 0; query < 8; query += 1) {
    const asked = { text: textFrom(random, 1 + random.int(8)), k: 1000, filter: ALL };
    await assertSameKeywordLeg(actual, reference, asked);
    await assertSameKeywordLeg(twin, reference, asked);
  }
}

function byId(writes: readonly DocumentWrite[]): ReadonlyMap<string, DocumentWrite> {
  return new Map(writes.map((write) => [write.document.id, write]));
}
