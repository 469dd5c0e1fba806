/** Whether what questions expect is in their collection: what is not can only be missed. */
import type { Catalog } from '../catalog/types.js';
import { hasCode } from '../errors.js';
import type { Warning } from '../retrieval/schema.js';
import type { CallOptions } from '../stores/port.js';
import { passagesIn } from './passage.js';
import { questionId, type Question } from './questions.js';

/** What a question is answered by: a document, or a passage of it. */
export interface Expected {
  readonly question: string;
  readonly document: string;
  readonly passage?: string;
}

export interface Expectation {
  readonly warnings: readonly Warning[];
  /** False where nothing that is expected is there: every measure would be 0. */
  readonly isMeasurable: boolean;
}

type Documents = Pick<Catalog, 'presentDocuments' | 'getDocument'>;

/** Names of one warning; of the others there is the number. */
const MAX_NAMED = 10;

/** What questions expect. What is judged as not relevant (grade 0) nobody expects. */
export function expectedOf(questions: readonly Question[]): readonly Expected[] {
  return questions.flatMap((question, at) =>
    question.expected
      .filter(({ grade }) => grade > 0)
      .map(({ document, passage }) => ({
        question: questionId(question, at + 1),
        document,
        ...(passage === undefined ? {} : { passage }),
      })),
  );
}

/**
 * Holds what is expected against a collection.
 * @throws RetrievalError `collection_not_found`
 */
export async function checkExpected(
  catalog: Documents,
  collection: string,
  expected: readonly Expected[],
  options?: CallOptions,
): Promise<Expectation> {
  const ids = [...new Set(expected.map(({ document }) => document))];
  const present = await catalog.presentDocuments(collection, ids, options);
  const absent = new Set(ids.filter((id) => !present.has(id)));
  const inside = expected.filter(({ passage }) => passage !== undefined);
  const lost = await lostPassages(
    catalog,
    collection,
    inside.filter(({ document }) => !absent.has(document)),
    options,
  );
  return {
    warnings: [
      ...documentsMissing([...absent], ids.length, 'the collection'),
      ...passagesMissing(lost, inside.length),
    ],
    isMeasurable: expected.some((each) => !absent.has(each.document) && !lost.has(each)),
  };
}

/** A warning that names documents which are not where they are expected; none where all are there. */
export function documentsMissing(
  missing: readonly string[],
  total: number,
  place: string,
): readonly Warning[] {
  if (missing.length === 0) return [];
  const message = `${String(missing.length)} of ${String(total)} expected documents ${isOrAre(missing)} not in ${place}: ${named(missing)}`;
  return [{ code: 'documents_missing', message }];
}

function passagesMissing(lost: ReadonlySet<Expected>, total: number): readonly Warning[] {
  if (lost.size === 0) return [];
  const names = [...lost].map(({ document, question }) => `${document} (question ${question})`);
  const place = names.length === 1 ? 'its document' : 'their documents';
  const message = `${String(names.length)} of ${String(total)} expected passages ${isOrAre(names)} not in ${place}: ${named(names)}`;
  return [{ code: 'passages_missing', message }];
}

/** Each document is read once. */
async function lostPassages(
  catalog: Documents,
  collection: string,
  inside: readonly Expected[],
  options?: CallOptions,
): Promise<ReadonlySet<Expected>> {
  const byDocument = new Map<string, Expected[]>();
  for (const each of inside) {
    const known = byDocument.get(each.document);
    if (known === undefined) byDocument.set(each.document, [each]);
    else known.push(each);
  }
  const lost = new Set<Expected>();
  for (const [id, ofDocument] of byDocument) {
    const holds = passagesIn(await textOf(catalog, collection, id, options));
    for (const each of ofDocument) if (!holds(each.passage ?? '')) lost.add(each);
  }
  return lost;
}

/** A document that was deleted just now holds nothing. */
async function textOf(
  catalog: Documents,
  collection: string,
  id: string,
  options?: CallOptions,
): Promise<string> {
  try {
    return (await catalog.getDocument(collection, id, options)).document.text;
  } catch (error) {
    if (hasCode(error, 'document_not_found')) return '';
    throw error;
  }
}

function isOrAre(things: readonly string[]): string {
  return things.length === 1 ? 'is' : 'are';
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ');
  return names.length <= MAX_NAMED ? shown : `${shown} and ${String(names.length - MAX_NAMED)} more`;
}
