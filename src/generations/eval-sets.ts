/** Questions with what they are expected to find, kept with their collection. */
import { z } from 'zod';
import type { Catalog } from '../catalog/types.js';
import { RetrievalError } from '../errors.js';
import type { JsonObject } from '../model.js';
import type { Warning } from '../retrieval/schema.js';
import type { RecordStore, StoredRecord } from '../stores/generations-port.js';
import type { CallOptions } from '../stores/port.js';
import { checkExpected, expectedOf } from './expected.js';
import { readValue } from './history.js';
import { questionId, questionSchema, type Question } from './questions.js';

export interface EvalSetSummary {
  readonly name: string;
  readonly questions: number;
  /** ISO 8601. */
  readonly at: string;
}

/** A set as it was kept, with what is odd about it. */
export interface KeptEvalSet extends EvalSetSummary {
  readonly warnings: readonly Warning[];
}

export interface EvalSet {
  readonly name: string;
  /** Each as a line of a question file has it. */
  readonly questions: readonly JsonObject[];
}

/** Eval sets of collections. `unsupported_capability` where the store keeps no records. */
export interface EvalSets {
  /**
   * Replaces a set of the same name. Documents that the collection does not have are no reason to
   * refuse it, for they may come later.
   * @throws RetrievalError `invalid_request` naming the question at fault
   */
  put(collection: string, set: EvalSet, options?: CallOptions): Promise<KeptEvalSet>;
  /** By name. */
  list(collection: string, options?: CallOptions): Promise<readonly EvalSetSummary[]>;
  /** @throws RetrievalError `not_found` */
  get(collection: string, name: string, options?: CallOptions): Promise<EvalSet>;
  /** @throws RetrievalError `not_found` */
  remove(collection: string, name: string, options?: CallOptions): Promise<void>;
}

const KIND = 'eval_set';
const MAX_SETS = 1000;
export const MAX_QUESTIONS = 20_000;

const schema = z.object({
  name: z.string(),
  questions: z.array(z.record(z.string(), z.json())),
});

export function createEvalSets(
  store: { readonly kind: string; readonly records?: RecordStore },
  catalog: Pick<Catalog, 'presentDocuments' | 'getDocument'>,
): EvalSets {
  const records = (): RecordStore => {
    if (store.records !== undefined) return store.records;
    throw new RetrievalError(
      'unsupported_capability',
      `The ${store.kind} store keeps no eval sets; keep the questions in a file and use "plumbline eval --questions"`,
    );
  };
  const find = async (
    collection: string,
    name: string,
    options?: CallOptions,
  ): Promise<readonly StoredRecord[]> => {
    const found = await records().list(collection, { kinds: [KIND], limit: MAX_SETS }, options);
    return found.filter((record) => record.value['name'] === name);
  };

  return {
    async put(collection, set, options) {
      if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,99}$/u.test(set.name)) {
        throw new RetrievalError(
          'invalid_request',
          'An eval set is named with up to 100 letters, digits, blanks, ".", "_" and "-"',
          { field: 'name' },
        );
      }
      if (set.questions.length === 0 || set.questions.length > MAX_QUESTIONS) {
        throw new RetrievalError(
          'invalid_request',
          `An eval set holds 1 to ${String(MAX_QUESTIONS)} questions; this one has ${String(set.questions.length)}`,
          { field: 'questions' },
        );
      }
      const expected = expectedOf(readQuestions(set.questions));
      const before = await find(collection, set.name, options);
      const { warnings } = await checkExpected(catalog, collection, expected, options);
      const { name, questions } = set;
      const { at } = await records().append(collection, KIND, { name, questions }, options);
      // The new one first: a call that is cut off leaves two, of which the latest counts.
      if (before.length > 0) {
        await records().remove(
          collection,
          before.map(({ id }) => id),
          options,
        );
      }
      return { name, questions: questions.length, at, warnings };
    },

    async list(collection, options) {
      const found = await records().list(collection, { kinds: [KIND], limit: MAX_SETS }, options);
      const sets = new Map<string, EvalSetSummary>();
      for (const record of found) {
        const { name, questions } = readValue(schema, record);
        if (!sets.has(name)) sets.set(name, { name, questions: questions.length, at: record.at });
      }
      return [...sets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async get(collection, name, options) {
      const [latest] = await find(collection, name, options);
      if (latest === undefined) throw noSet(collection, name);
      return readValue(schema, latest);
    },

    async remove(collection, name, options) {
      const found = await find(collection, name, options);
      if (found.length === 0) throw noSet(collection, name);
      await records().remove(
        collection,
        found.map(({ id }) => id),
        options,
      );
    },
  };
}

/** What is kept has to be asked one day: a question that is none is refused now. */
function readQuestions(questions: EvalSet['questions']): readonly Question[] {
  const ids = new Set<string>();
  const read: Question[] = [];
  for (const [at, value] of questions.entries()) {
    const parsed = questionSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw noQuestion([at, ...(issue?.path ?? [])], issue?.message ?? 'is not valid');
    }
    const id = questionId(parsed.data, at + 1);
    if (ids.has(id)) throw noQuestion([at, 'id'], 'has come before');
    ids.add(id);
    read.push(parsed.data);
  }
  return read;
}

function noQuestion(path: readonly PropertyKey[], problem: string): RetrievalError {
  const field = `questions${path.map((part) => (typeof part === 'number' ? `[${String(part)}]` : `.${String(part)}`)).join('')}`;
  return new RetrievalError('invalid_request', `${field}: ${problem}`, { field });
}

function noSet(collection: string, name: string): RetrievalError {
  return new RetrievalError('not_found', `Collection "${collection}" has no eval set "${name}"`, {
    field: 'eval_set',
  });
}
