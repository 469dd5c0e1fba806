/** Which generation answers a query: the active one, unless the query names another or its model. */
import { RetrievalError } from '../errors.js';
import type { Collection, Generation } from '../model.js';
import { modelVersion, withoutCanaries } from '../pin.js';
import type { CallOptions, VectorStore } from '../stores/port.js';
import type { QueryRequest, Warning } from './schema.js';

/**
 * @throws RetrievalError `generation_not_found`, or `model_mismatch` when no generation that can
 *   answer is of the model that the query expects; both name what there is.
 */
export async function chooseGeneration(
  store: Pick<VectorStore, 'generations'>,
  collection: Collection,
  request: Pick<QueryRequest, 'generation' | 'model_version'>,
  options: CallOptions,
): Promise<Generation> {
  const { generation: active, name } = collection;
  const { generation: id, model_version: expected } = request;
  const isExpected = (generation: Generation): boolean =>
    expected === undefined || modelVersion(generation.pin) === expected;
  if ((id === undefined || id === active.id) && isExpected(active)) return active;

  const all = (await store.generations?.known(name, options)) ?? [];
  if (id !== undefined) {
    const named = id === active.id ? active : all.find((generation) => generation.id === id);
    if (named === undefined) throw noGeneration(name, id, active, all);
    if (!isExpected(named)) throw otherModel(name, expected ?? '', named, [named]);
    return named;
  }
  const able: Generation[] = [];
  for (const generation of all) {
    if (generation.id !== active.id && (await isWhole(store, name, generation, options)))
      able.push(generation);
  }
  const found = able.findLast(isExpected);
  if (found === undefined) throw otherModel(name, expected ?? '', active, [active, ...able]);
  return found;
}

/**
 * What an answer of a generation may lack. Whether it does would be a comparison of all documents,
 * so it is said of every generation that is not kept complete. Never of the active one.
 */
export function completenessWarnings(
  { name, generation: active }: Collection,
  { id, state }: Generation,
  request: Pick<QueryRequest, 'generation'>,
): readonly Warning[] {
  if (id === active.id) return [];
  const how =
    request.generation === undefined
      ? `Send model_version "${modelVersion(active.pin)}", or none,`
      : 'Leave out `generation`';
  if (state === 'retired') {
    return [
      {
        code: 'generation_retired',
        message: `Generation ${String(id)} is retired: documents that were written since then are not in it. ${how} to ask the active one, ${String(active.id)}. "plumbline rollback ${name}" builds what the generation that was active before lacks, and lets it answer again`,
      },
    ];
  }
  // By its model it is chosen only when it was found to be whole.
  if (request.generation === undefined) return [];
  return [
    {
      code: 'generation_incomplete',
      message: `Generation ${String(id)} is being built: documents that are not built yet are not in it. ${how} to ask the active one, ${String(active.id)}, or build the rest with "plumbline reembed ${name} --generation ${String(id)}"`,
    },
  ];
}

/** One that is still being filled would leave documents out without a word. */
async function isWhole(
  store: Pick<VectorStore, 'generations'>,
  collection: string,
  { id, state }: Generation,
  options: CallOptions,
): Promise<boolean> {
  if (state !== 'building') return true;
  const missing = await store.generations?.missing({ collection, generation: id }, { limit: 1 }, options);
  return missing?.length === 0;
}

function otherModel(
  name: string,
  expected: string,
  pinned: Generation,
  able: readonly Generation[],
): RetrievalError {
  const actual = modelVersion(pinned.pin);
  const known = [...new Set(able.map(({ pin }) => modelVersion(pin)))];
  return new RetrievalError(
    'model_mismatch',
    `Collection "${name}" is pinned to ${actual} but the query expects ${expected}. Send model_version "${actual}", or query a collection of the other model.${known.length > 1 ? ` Generations that can answer are of: ${known.join(', ')}.` : ''}`,
    {
      field: 'model_version',
      details: {
        collection: name,
        pinned: { model_version: actual, pin: withoutCanaries(pinned.pin) },
        given: { model_version: expected },
        known,
      },
    },
  );
}

function noGeneration(
  name: string,
  id: number,
  active: Generation,
  all: readonly Generation[],
): RetrievalError {
  const known = all.length === 0 ? [active] : all;
  return new RetrievalError(
    'generation_not_found',
    `Collection "${name}" has no generation ${String(id)}; there are: ${known.map((one) => `${String(one.id)} (${one.state})`).join(', ')}`,
    { field: 'generation', details: { known: known.map((one) => one.id) } },
  );
}
