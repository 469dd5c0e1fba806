/** The file of canary questions: JSON lines, read and checked once, at the start. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RetrievalError } from '../errors.js';

/** A question whose right documents are known. */
export interface CanaryQuestion {
  readonly collection: string;
  readonly query: string;
  /** Ids of documents, any of which answers it. */
  readonly expected: readonly string[];
}

const SETTING = 'PLUMBLINE_CANARY_FILE';
const MAX_QUESTIONS = 1000;

const questionSchema = z.strictObject({
  collection: z.string().min(1),
  query: z.string().trim().min(1).max(20_000),
  expected: z.array(z.string().min(1)).min(1),
});

/** @throws RetrievalError `invalid_config` naming the line and the member at fault. */
export async function loadCanaryQuestions(path: string): Promise<readonly CanaryQuestion[]> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    throw invalid('the file cannot be read; give the path of a readable file of JSON lines', error);
  }
  const questions = content.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    return [readQuestion(line, index + 1)];
  });
  if (questions.length > 0 && questions.length <= MAX_QUESTIONS) return questions;
  throw invalid(
    `the file has ${String(questions.length)} questions; give it between 1 and ${String(MAX_QUESTIONS)}`,
  );
}

function readQuestion(line: string, number: number): CanaryQuestion {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's message would quote the line.
    throw invalid(
      `line ${String(number)} is not JSON; every line is {"collection", "query", "expected": [ids]}`,
    );
  }
  const parsed = questionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`line ${String(number)}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`);
}

function invalid(problem: string, cause?: unknown): RetrievalError {
  return new RetrievalError('invalid_config', `${SETTING}: ${problem}`, {
    field: SETTING,
    ...(cause === undefined ? {} : { cause }),
  });
}
