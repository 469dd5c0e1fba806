/** Questions of one's own as JSON lines, for a collection that exists. */
import { basename } from 'node:path';
import { questionId, questionSchema } from '../src/generations/questions.js';
import type { JsonObject } from '../src/model.js';
import { firstIssue } from './corpus.js';
import { hashJudged, type DataSet, type ExpectedPassage } from './dataset.js';
import { dataSetError, parseJsonLine, readLines } from './lines.js';

/**
 * Reads `{"query": "…", "expected": [{"document": "…", "passage": "…"?, "grade": 1?}], "id"?}` a line;
 * other members of a question are not looked at.
 * @throws RetrievalError `invalid_data_set`, naming the line; `cancelled`.
 */
export async function loadQuestions(path: string, signal?: AbortSignal): Promise<DataSet> {
  return (await readQuestions(path, signal)).dataSet;
}

/** The same, with the questions as they stand in the file. */
export async function readQuestions(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly dataSet: DataSet; readonly questions: readonly JsonObject[] }> {
  const file = { path, label: basename(path) };
  const lines: NumberedQuestion[] = [];
  for await (const line of readLines(file, signal)) {
    lines.push({ number: line.number, value: parseJsonLine(file, line) });
  }
  const dataSet = questionSet(file, basename(path).replace(/\.(?:jsonl|ndjson)$/u, ''), lines);
  // Each has been found to be an object.
  return { dataSet, questions: lines.map(({ value }) => value as JsonObject) };
}

/** One question with the line that it stands on. */
export interface NumberedQuestion {
  readonly number: number;
  readonly value: unknown;
}

/** @throws RetrievalError `invalid_data_set`, naming the line. */
export function questionSet(
  file: Parameters<typeof dataSetError>[0],
  name: string,
  questions: readonly NumberedQuestion[],
): DataSet {
  const queries = new Map<string, string>();
  const qrels = new Map<string, Map<string, number>>();
  const passages = new Map<string, readonly ExpectedPassage[]>();
  let judgements = 0;
  for (const line of questions) {
    const parsed = questionSchema.safeParse(line.value);
    if (!parsed.success) throw dataSetError(file, line.number, firstIssue(parsed.error));
    const { query, expected } = parsed.data;
    const id = questionId(parsed.data, line.number);
    if (queries.has(id)) throw dataSetError(file, line.number, 'the id has come before');
    const judged = new Map<string, number>();
    const ofQuestion: ExpectedPassage[] = [];
    for (const { document, passage, grade } of expected) {
      const item = passage === undefined ? document : `${document}#passage-${String(ofQuestion.length + 1)}`;
      if (passage !== undefined) ofQuestion.push({ document, text: passage, item });
      judged.set(item, grade);
    }
    judgements += judged.size;
    queries.set(id, query);
    qrels.set(id, judged);
    if (ofQuestion.length > 0) passages.set(id, ofQuestion);
  }
  if (queries.size === 0) throw dataSetError(file, null, 'holds no question');
  const barren = [...qrels.values()].filter((judged) => ![...judged.values()].some((grade) => grade > 0));
  return {
    name,
    split: 'questions',
    hash: hashJudged(withPassages(queries, passages), qrels),
    queries,
    qrels,
    judgements,
    corpus: null,
    passages,
    warnings:
      barren.length === 0
        ? []
        : [`questions without a relevant document, which count as 0: ${String(barren.length)}`],
  };
}

/** What is hashed of a question: another passage is another question. */
function withPassages(
  queries: ReadonlyMap<string, string>,
  passages: ReadonlyMap<string, readonly ExpectedPassage[]>,
): ReadonlyMap<string, string> {
  return new Map(
    [...queries].map(([id, query]) => {
      const expected = passages.get(id);
      return [id, expected === undefined ? query : JSON.stringify([query, expected.map(({ text }) => text)])];
    }),
  );
}
