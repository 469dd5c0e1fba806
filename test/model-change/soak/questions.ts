/** The workers that ask, and hold every answer against what was acknowledged before they asked. */
import assert from 'node:assert/strict';
import { queryRequestSchema } from '../../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../../src/retrieval/schema.js';
import { isGone, turn } from './changes.js';
import { placeOf, versionIn } from './documents.js';
import { NAME } from './world.js';
import type { World } from './world.js';

/** More than a document has. */
const ALL_PASSAGES = 50;
const MODES = ['hybrid', 'vector', 'keyword'] as const;
const QUERY = 'engine valve rotor';

/** Asks for one document, for any, or for any of a retired generation, until the time is over. */
export async function ask(world: World): Promise<void> {
  const { random, truth, retired, counts } = world;
  while (!world.ended() || counts.answers === 0) {
    await turn();
    const mode = random.pick(MODES);
    const kind = random.next();
    if (kind < 0.4) await askForOne(world, random.pick(truth.ids), mode);
    else if (kind < 0.8 || retired.size === 0) await askForAny(world, { mode });
    else await askForAny(world, { mode, generation: random.pick([...retired]) });
  }
}

/** A document that nobody touched meanwhile is there with all its passages, or is not there. */
async function askForOne(world: World, id: string, mode: QueryInput['mode']): Promise<void> {
  const { truth } = world;
  const before = truth.now(id);
  const answer = await asked(world, { mode, filter: { key: id } });
  const after = truth.now(id);
  if (answer === null) return;
  const versions = await checkPassages(world, answer, new Map([[id, before.floor]]));
  const version = versions.get(id) ?? null;
  if (!before.busy && !after.busy && before.changes === after.changes) {
    assert.equal(version, after.present, `${id} is not as it was left`);
  }
  // A passage without a word of the question is no hit of the keyword leg.
  if (version !== null && mode !== 'keyword') {
    await assertWhole(world, answer, id, version);
  }
}

export async function assertWhole(
  world: World,
  answer: QueryAnswer,
  id: string,
  version: number,
): Promise<void> {
  const form = world.forms.get(answer.generation);
  assert.ok(form !== undefined);
  const places = await world.cut(id, version, form.chunker);
  assert.deepEqual(new Set(answer.hits.map(placeOf)), places, `${id} is not whole`);
}

async function askForAny(world: World, input: Omit<QueryInput, 'query'>): Promise<void> {
  const { truth } = world;
  const floors = new Map(truth.ids.map((id) => [id, truth.now(id).floor]));
  const answer = await asked(world, input);
  if (answer !== null) await checkPassages(world, answer, floors);
}

/** Null: the generation that was named has been dropped. */
export async function asked(world: World, input: Omit<QueryInput, 'query'>): Promise<QueryAnswer | null> {
  const { counts } = world;
  const request = queryRequestSchema.parse({ query: QUERY, top_k: ALL_PASSAGES, ...input });
  try {
    const answer = await world.asking.retrieve(NAME, request);
    counts.answers += 1;
    counts.passages += answer.hits.length;
    if (input.generation !== undefined) {
      counts.named += 1;
      assert.equal(answer.generation, input.generation);
    }
    return answer;
  } catch (error) {
    if (input.generation === undefined || !isGone(error)) throw error;
    counts.gone += 1;
    return null;
  }
}

/**
 * Every passage is one that the named generation's own chunker makes, of no version older than the
 * floor, and one document's are of one version. @returns the documents' versions
 */
async function checkPassages(
  world: World,
  answer: QueryAnswer,
  floors: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const form = world.forms.get(answer.generation);
  assert.ok(form !== undefined, `nobody made generation ${String(answer.generation)}`);
  assert.equal(answer.model_version, form.modelVersion);
  const versions = new Map<string, number>();
  for (const hit of answer.hits) {
    const id = hit.document_id;
    const version = versionIn(id, hit.text);
    assert.equal(versions.get(id) ?? version, version, `${id} is of two versions in one answer`);
    versions.set(id, version);
    assert.equal(hit.metadata['version'], version, `${id} has the metadata of another version`);
    assert.ok(version <= world.truth.latest(id));
    const floor = floors.get(id) ?? Infinity;
    assert.ok(
      version >= floor,
      `${id} is of version ${String(version)}, and ${String(floor)} was the least when the question was asked`,
    );
    const places = await world.cut(id, version, form.chunker);
    assert.ok(places.has(placeOf(hit)), `${id} has a passage of another generation`);
  }
  return versions;
}
