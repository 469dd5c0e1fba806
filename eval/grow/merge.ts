/** Judgements into an eval set. Pure. */
import { createHash } from 'node:crypto';
import { questionSchema } from '../../src/generations/questions.js';
import type { JsonObject, JsonValue } from '../../src/model.js';
import type { Judgement } from './judgements.js';
import { normaliseQuestion } from './logged.js';

/** Two opinions of one document for one question. Nothing is changed by them. */
export interface Conflict {
  readonly query: string;
  readonly document: string;
  readonly opinions: readonly string[];
}

export interface Merged {
  readonly questions: readonly JsonObject[];
  /** Questions that are new, and that have more judgements than before. */
  readonly added: number;
  readonly extended: number;
  /** Judgements that the set had already. */
  readonly known: number;
  readonly conflicts: readonly Conflict[];
  /** New questions for which no document is relevant; they could only count as 0, and are left out. */
  readonly barren: readonly string[];
}

/**
 * Adds to questions of the same text, and new ones at the end: the ids of the others are their
 * places.
 */
export function mergeJudgements(
  existing: readonly JsonObject[],
  judged: readonly Judgement[],
  /** How a question is best spelled, by its normalised text. */
  spelling: (key: string) => string | undefined = () => undefined,
): Merged {
  const conflicts: Conflict[] = [];
  let [added, extended, known] = [0, 0, 0];
  const questions = [...existing];
  const places = new Map<string, number>();
  existing.forEach((question, at) => {
    const { query } = question;
    const key = typeof query === 'string' ? normaliseQuestion(query) : '';
    if (!places.has(key)) places.set(key, at);
  });
  const barren: string[] = [];
  for (const [key, { query, opinions }] of byQuestion(judged)) {
    const at = places.get(key);
    const before = at === undefined ? undefined : questions[at];
    const expected = before === undefined ? [] : questionSchema.parse(before).expected;
    const more: { readonly document: string; readonly grade: number }[] = [];
    for (const [document, ofDocument] of opinions) {
      const held = expected.filter((each) => each.document === document).map(({ grade }) => grade);
      const settled = settle(held, ofDocument);
      if (settled === 'conflict') {
        const said = [...held.map((grade) => `the set says ${String(grade)}`), ...ofDocument.map(String)];
        conflicts.push({ query, document, opinions: [...new Set(said)] });
      } else if (settled === 'known') known += 1;
      else more.push({ document, grade: settled });
    }
    if (more.length === 0) continue;
    if (at !== undefined && before !== undefined) {
      const list = before['expected'] as readonly JsonValue[];
      questions[at] = { ...before, expected: [...list, ...more] };
      extended += 1;
    } else if (more.some(({ grade }) => grade > 0)) {
      questions.push({ id: idOf(key), query: spelling(key) ?? query, expected: more });
      added += 1;
    } else barren.push(query);
  }
  return { questions, added, extended, known, conflicts, barren };
}

/** Question by normalised text, and of each the opinions by document. */
function byQuestion(
  judged: readonly Judgement[],
): ReadonlyMap<string, { query: string; opinions: Map<string, (boolean | number)[]> }> {
  const found = new Map<string, { query: string; opinions: Map<string, (boolean | number)[]> }>();
  for (const { query, document, relevant } of judged) {
    const key = normaliseQuestion(query);
    const question = found.get(key) ?? { query, opinions: new Map<string, (boolean | number)[]>() };
    found.set(key, question);
    const ofDocument = question.opinions.get(document) ?? [];
    if (!ofDocument.includes(relevant)) ofDocument.push(relevant);
    question.opinions.set(document, ofDocument);
  }
  return found;
}

/** The grade to add; `known` where the set holds it. `true` agrees with any grade above 0. */
function settle(held: readonly number[], said: readonly (boolean | number)[]): number | 'known' | 'conflict' {
  const exact = [...new Set([...held, ...said.filter((each) => each !== true).map(Number)])];
  const isRelevant = said.includes(true);
  if (held.length > 0) {
    // Passages of one document have grades of their own; "relevant" is all that can be compared.
    const agrees = said.every((each) =>
      each === true ? held.some((grade) => grade > 0) : held.includes(Number(each)),
    );
    return agrees ? 'known' : 'conflict';
  }
  const [grade = 1] = exact;
  if (exact.length > 1 || (isRelevant && grade === 0)) return 'conflict';
  return grade;
}

/** The same for the same question in every set, and of a form that no place has. */
function idOf(key: string): string {
  return `log-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}
