/** A data set held against the collection that it is asked of. */
import { RetrievalError } from '../src/errors.js';
import { checkExpected, type Expected } from '../src/generations/expected.js';
import type { Warning } from '../src/retrieval/schema.js';
import type { Runtime } from '../src/runtime-types.js';
import type { DataSet } from './dataset.js';

/** What the caller named the questions by. */
export type QuestionsField = 'folder' | 'questions' | 'eval_set';

export interface Checked {
  /** With what is missing among its warnings. */
  readonly dataSet: DataSet;
  /** What is missing. */
  readonly warnings: readonly Warning[];
}

/**
 * Tells what of the data set's expectations the collection does not hold. Of a managed collection
 * that is not known.
 * @throws RetrievalError `invalid_data_set` where nothing is held: all measures would be 0, and two
 *   zeros compare as equal
 */
export async function checkDataSet(
  { catalog, managed }: Pick<Runtime, 'catalog' | 'managed'>,
  collection: string,
  dataSet: DataSet,
  field: QuestionsField,
  call: { readonly signal?: AbortSignal },
): Promise<Checked> {
  if (managed.some(({ name }) => name === collection)) return { dataSet, warnings: [] };
  const { warnings, isMeasurable } = await checkExpected(catalog, collection, expectedOf(dataSet), call);
  if (!isMeasurable) {
    const fix = `Ingest them, or correct the ids; "plumbline documents list ${collection}" shows what is there`;
    throw notMeasurable(dataSet.name, field, warnings, fix);
  }
  const messages = warnings.map(({ message }) => message);
  return { dataSet: { ...dataSet, warnings: [...messages, ...dataSet.warnings] }, warnings };
}

/** The refusal of questions by which everything would be measured as 0. */
export function notMeasurable(
  name: string,
  field: QuestionsField,
  warnings: readonly Warning[],
  fix: string,
): RetrievalError {
  const [problem, then] =
    warnings.length === 0
      ? ['no question expects a document', 'Give a document that answers it a grade above 0']
      : [warnings.map(({ message }) => message).join('; '), fix];
  return new RetrievalError(
    'invalid_data_set',
    `Nothing that "${name}" expects can be found, and every measure would be 0: ${problem}. ${then}`,
    { field },
  );
}

function expectedOf({ qrels, passages }: DataSet): readonly Expected[] {
  return [...qrels].flatMap(([question, judged]) => {
    const byItem = new Map(passages?.get(question)?.map((passage) => [passage.item, passage]));
    return [...judged]
      .filter(([, grade]) => grade > 0)
      .map(([item]) => {
        const passage = byItem.get(item);
        return passage === undefined
          ? { question, document: item }
          : { question, document: passage.document, passage: passage.text };
      });
  });
}
