/** The eval sets that a collection keeps, as data sets. */
import { RetrievalError } from '../src/errors.js';
import type { Runtime } from '../src/runtime-types.js';
import type { DataSet } from './dataset.js';
import { questionSet } from './questions.js';

/**
 * An eval set of a collection; the only one, where none is named.
 * @throws RetrievalError `invalid_request` naming the sets there are, `not_found`
 */
export async function loadEvalSet(
  runtime: Pick<Runtime, 'evalSets'>,
  collection: string,
  name: string | undefined,
  call: { readonly signal?: AbortSignal },
): Promise<DataSet> {
  const set = await runtime.evalSets.get(
    collection,
    name ?? (await onlyName(runtime, collection, call)),
    call,
  );
  const questions = set.questions.map((value, at) => ({ number: at + 1, value }));
  return questionSet({ path: set.name, label: `eval set "${set.name}"` }, set.name, questions);
}

async function onlyName(
  { evalSets }: Pick<Runtime, 'evalSets'>,
  collection: string,
  call: { readonly signal?: AbortSignal },
): Promise<string> {
  const sets = await evalSets.list(collection, call);
  const [only] = sets;
  if (only !== undefined && sets.length === 1) return only.name;
  throw new RetrievalError(
    'invalid_request',
    only === undefined
      ? `Collection "${collection}" has no eval set; add one with "plumbline evalset add ${collection} FILE"`
      : `Collection "${collection}" has several eval sets; name one of: ${sets.map((set) => set.name).join(', ')}`,
    { field: 'eval_set' },
  );
}
