/** The workers that change things: those that write, those that delete, and the one that switches. */
import assert from 'node:assert/strict';
import { hasCode } from '../../../src/errors.js';
import { sourceOf } from '../../support/source.js';
import { documentOf } from './documents.js';
import { NAME, formOf } from './world.js';
import type { World } from './world.js';

const AUTHOR = { by: 'soak', reason: 'soak', force: true };
const MOST_AT_ONCE = 3;
const MOST_CONFLICTS = 50;

/** Lets every other worker have its turn, also where a store answers at once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Puts the next version of one to three documents, also of those that are deleted. */
export async function write(world: World): Promise<void> {
  const { truth, random, counts } = world;
  while (!world.ended() || counts.written === 0) {
    await turn();
    const taken: { readonly id: string; readonly version: number }[] = [];
    for (let left = 1 + random.int(MOST_AT_ONCE); left > 0; left -= 1) {
      const id = truth.take(random, 'any');
      if (id !== null) taken.push({ id, version: truth.begin(id) });
    }
    const documents = taken.map(({ id, version }) => documentOf(id, version));
    const { failed } = await world.writing.ingest(NAME, sourceOf(documents));
    assert.deepEqual(failed, []);
    for (const { id, version } of taken) {
      truth.written(id, version);
      truth.release(id);
    }
    counts.written += taken.length;
  }
}

export async function remove(world: World): Promise<void> {
  const { truth, random, counts } = world;
  while (!world.ended()) {
    await turn();
    const id = truth.take(random, 'present');
    if (id === null) continue;
    if (random.chance(0.5)) await world.writing.catalog.deleteDocument(NAME, id);
    else assert.equal(await world.writing.catalog.deleteByFilter(NAME, { key: id }), 1);
    truth.deleted(id);
    truth.release(id);
    counts.deleted += 1;
  }
}

/** Builds a generation, switches to it, back and forth, and drops the one before. */
export async function change(world: World): Promise<void> {
  const { random, counts, forms, retired } = world;
  const { generations, catalog } = world.asking;
  const active = async (): Promise<number> => (await catalog.getCollection(NAME)).generation.id;
  const drop = async (id: number): Promise<void> => {
    retired.delete(id);
    await generations.drop(NAME, id, AUTHOR);
    counts.dropped += 1;
  };
  while (!world.ended() || counts.switches === 0) {
    await turn();
    const made = await generations.start(NAME, world.nextForm(), AUTHOR);
    forms.set(made.id, formOf(made));
    if (random.chance(0.2)) {
      const building = generations.build(NAME, made.id, AUTHOR).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
      for (let turns = random.int(10); turns > 0; turns -= 1) await turn();
      await Promise.all([drop(made.id), building]);
      continue;
    }
    await insist(world, () => generations.build(NAME, made.id, AUTHOR));
    counts.built += 1;
    const before = await active();
    await insist(world, () => generations.activate(NAME, made.id, AUTHOR));
    counts.switches += 1;
    retired.add(before);
    for (let times = random.int(3) * 2; times > 0; times -= 1) {
      const from = await active();
      const { id } = await insist(world, () => generations.rollback(NAME, AUTHOR));
      retired.add(from);
      retired.delete(id);
      counts.switches += 1;
    }
    // Also the one that queries and writes under way began with.
    for (const id of [...retired].slice(0, random.chance(0.5) ? undefined : -1)) await drop(id);
  }
}

/** What is refused because too much is written meanwhile is asked for again. */
async function insist<T>(world: World, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!hasCode(error, 'generation_conflict') || attempt === MOST_CONFLICTS) throw error;
      world.counts.conflicts += 1;
      await turn();
    }
  }
}

export function isGone(error: unknown): boolean {
  return hasCode(error, 'generation_not_found') || hasCode(error, 'collection_not_found');
}
