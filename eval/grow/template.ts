/** What a person is asked to judge: the questions that most depends on, with what they found. */
import type { LoggedQuestion } from './logged.js';

export interface TemplateLine {
  readonly query: string;
  /** Empty where nothing was found: whoever knows a document writes it here. */
  readonly document: string;
  readonly relevant: null;
  readonly asked: number;
  readonly uncertainty: number;
  readonly rank: number | null;
  readonly title: string | null;
  /** The beginning of the passage that was found. */
  readonly text: string | null;
}

/** A hit that is to be judged, with its place in the log. */
export interface Open {
  readonly question: LoggedQuestion;
  readonly hits: LoggedQuestion['hits'];
}

/**
 * The most asked first, of those asked alike the most uncertain. Documents that the set has a
 * judgement of are left out, and questions of which nothing is left.
 */
export function chooseOpen(
  questions: ReadonlyMap<string, LoggedQuestion>,
  isJudged: (key: string, document: string) => boolean,
  isKnown: (key: string) => boolean,
  most: { readonly questions: number; readonly hits: number },
): readonly Open[] {
  return [...questions]
    .sort(([, a], [, b]) => b.asked - a.asked || b.uncertainty - a.uncertainty)
    .flatMap(([key, question]): Open[] => {
      const hits = question.hits.slice(0, most.hits).filter(({ document }) => !isJudged(key, document));
      if (hits.length > 0) return [{ question, hits }];
      return question.hits.length === 0 && !isKnown(key) ? [{ question, hits: [] }] : [];
    })
    .slice(0, most.questions);
}

const COLUMNS = ['query', 'document', 'relevant', 'asked', 'uncertainty', 'rank', 'title', 'text'] as const;

/** JSON lines, or a table with tabs. */
export function renderTemplate(lines: readonly TemplateLine[], form: 'jsonl' | 'tsv'): string {
  const rows =
    form === 'jsonl'
      ? lines.map((line) => JSON.stringify(line))
      : [COLUMNS.join('\t'), ...lines.map((line) => COLUMNS.map((name) => cell(line[name])).join('\t'))];
  return rows.map((row) => `${row}\n`).join('');
}

/** On one line, without tabs; and a spreadsheet is not to take a question for a formula. */
function cell(value: string | number | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const text = value.replaceAll(/\s+/gu, ' ').trim();
  return /^[=+@-]/u.test(text) ? ` ${text}` : text;
}
