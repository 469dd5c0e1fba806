/**
 * Documents are written and deleted, questions asked, and generations built, switched to and
 * dropped, all at once. Five minutes on one store:
 *
 *     PLUMBLINE_TEST_SOAK_SECONDS=300 PLUMBLINE_TEST_STORES=postgres npm test -- soak
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { storeNames } from '../support/stores.js';
import { change, remove, write } from './soak/changes.js';
import { ask, asked, assertWhole } from './soak/questions.js';
import { versionIn } from './soak/documents.js';
import { openPair } from './soak/stores.js';
import { NAME, openWorld } from './soak/world.js';
import type { World } from './soak/world.js';

const SECONDS = Number(process.env['PLUMBLINE_TEST_SOAK_SECONDS'] ?? '15');
const WORKERS = [write, write, remove, ask, ask, ask, change];

describe('a collection under everything at once', () => {
  for (const name of storeNames()) {
    test(name, async (t) => {
      const pair = await openPair(name);
      t.after(() => pair.close());
      let failed = false;
      let ends = Infinity;
      const world = await openWorld(pair.stores, () => failed || performance.now() > ends, 1);
      // Making the collection is not part of the time.
      ends = performance.now() + SECONDS * 1000;
      const results = await Promise.allSettled(
        WORKERS.map((work) =>
          work(world).catch((error: unknown) => {
            failed = true;
            throw error;
          }),
        ),
      );
      t.diagnostic(JSON.stringify(world.counts));
      const errors: unknown[] = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors);
      await checkEnd(world);
    });
  }
});

/** Nothing is lost, nothing has come back, in any generation. */
async function checkEnd(world: World): Promise<void> {
  const { truth, asking } = world;
  const present = truth.ids.filter((id) => truth.now(id).present !== null);
  const { items } = await asking.catalog.listDocuments(NAME, { limit: 1000 });
  assert.deepEqual(
    items.map(({ id }) => id),
    present.toSorted(),
  );
  for (const { id: generation, state, missing } of await asking.generations.list(NAME)) {
    if (state === 'active') assert.equal(missing, 0);
    else await asking.generations.build(NAME, generation, { by: 'soak' });
    for (const id of truth.ids) {
      const answer = await asked(world, { mode: 'vector', generation, filter: { key: id } });
      assert.ok(answer !== null);
      const version = answer.hits[0] === undefined ? null : versionIn(id, answer.hits[0].text);
      assert.equal(version, truth.now(id).present, `${id} in generation ${String(generation)}`);
      if (version !== null) await assertWhole(world, answer, id, version);
    }
  }
  for (const { documents, missing } of await asking.generations.list(NAME)) {
    assert.deepEqual([documents, missing], [present.length, 0]);
  }
}
