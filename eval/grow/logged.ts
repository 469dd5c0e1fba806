/** Reading the query log: which questions were asked, how often, and what they found. */
import { basename } from 'node:path';
import { z } from 'zod';
import { RetrievalError, hasCode } from '../../src/errors.js';
import { dataSetError, parseJsonLine, readLines, type Line } from '../lines.js';

/** Of a line of the log what counts here. */
const loggedSchema = z.object({
  collection: z.string(),
  query: z.string().trim().min(1),
  hits: z.array(
    z.object({
      document_id: z.string().min(1),
      chunk_id: z.string(),
      rank: z.number().int().positive(),
      score: z.number().nullable(),
    }),
  ),
});

type LoggedLine = z.output<typeof loggedSchema>;

export interface LoggedHit {
  readonly document: string;
  /** Its best passage. */
  readonly chunk: string;
  /** The best it had. */
  readonly rank: number;
}

export interface LoggedQuestion {
  /** As it was asked first. */
  readonly query: string;
  readonly asked: number;
  /** 0 to 1: how little the first document was ahead of the second, on average; 1 where nothing was found. */
  readonly uncertainty: number;
  /** By rank. */
  readonly hits: readonly LoggedHit[];
}

export interface QueryLogContent {
  /** By normalised text. */
  readonly questions: ReadonlyMap<string, LoggedQuestion>;
  /** Questions of other collections, by name. */
  readonly elsewhere: ReadonlyMap<string, number>;
  /** Lines that are none of the log's, as a crash may leave one. */
  readonly broken: number;
  /** Lines whose question did not find room any more. */
  readonly leftOut: number;
}

/** Different questions that are kept in mind. */
const MAX_QUESTIONS = 200_000;
/** Documents of a question that are kept in mind. */
const MAX_HITS = 50;

/** For whoever has no log yet. */
export const HOW_LOGGED =
  'To have one written, set PLUMBLINE_QUERY_LOG=FILE for "plumbline serve", "query" and "answer", and let questions be asked';

/** Equal for questions that differ in letters' case, white space and closing marks only. */
export function normaliseQuestion(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\s+/gu, ' ')
    .trim()
    .replace(/(?<=[^\s?!.…])[\s?!.…]+$/u, '');
}

/**
 * The questions that were asked of a collection. Lines are streamed, so a log may be large.
 * @throws RetrievalError `invalid_data_set` for a file that cannot be read, or that is no query log;
 * `cancelled`
 */
export async function readQueryLog(
  path: string,
  collection: string,
  signal: AbortSignal,
): Promise<QueryLogContent> {
  try {
    return await readLog(path, collection, signal);
  } catch (error) {
    if (!hasCode(error, 'invalid_data_set')) throw error;
    const { details, message, cause } = error;
    throw new RetrievalError(error.code, `${message}. ${HOW_LOGGED}`, { field: 'log', details, cause });
  }
}

async function readLog(path: string, collection: string, signal: AbortSignal): Promise<QueryLogContent> {
  const file = { path, label: basename(path) };
  const found = new Map<string, Tally>();
  const elsewhere = new Map<string, number>();
  let [lines, broken, leftOut] = [0, 0, 0];
  for await (const line of readLines(file, signal)) {
    lines += 1;
    const entry = parseLine(file, line);
    if (entry === null) broken += 1;
    else if (entry.collection === collection) {
      const key = normaliseQuestion(entry.query);
      const known = found.get(key);
      if (known !== undefined) add(known, entry);
      else if (found.size < MAX_QUESTIONS) {
        const tally: Tally = { query: entry.query, asked: 0, uncertainty: 0, hits: new Map() };
        add(tally, entry);
        found.set(key, tally);
      } else leftOut += 1;
    } else elsewhere.set(entry.collection, (elsewhere.get(entry.collection) ?? 0) + 1);
  }
  if (lines > 0 && broken === lines) throw dataSetError(file, null, 'holds no line of a query log');
  return {
    questions: new Map([...found].map(([key, tally]) => [key, toQuestion(tally)])),
    elsewhere,
    broken,
    leftOut,
  };
}

interface Tally {
  readonly query: string;
  asked: number;
  /** The sum over all times. */
  uncertainty: number;
  readonly hits: Map<string, LoggedHit>;
}

function parseLine(file: Parameters<typeof parseJsonLine>[0], line: Line): LoggedLine | null {
  try {
    return loggedSchema.safeParse(parseJsonLine(file, line)).data ?? null;
  } catch {
    return null;
  }
}

function add(tally: Tally, { hits }: LoggedLine): void {
  tally.asked += 1;
  tally.uncertainty += uncertaintyOf(hits);
  for (const { document_id: document, chunk_id: chunk, rank } of hits) {
    const known = tally.hits.get(document);
    if (known === undefined ? tally.hits.size < MAX_HITS : rank < known.rank) {
      tally.hits.set(document, { document, chunk, rank });
    }
  }
}

/** Scores compare within one answer only, so it is their proportion that tells. */
function uncertaintyOf(hits: LoggedLine['hits']): number {
  const best = new Map<string, number>();
  for (const { document_id: document, score } of hits) {
    if (score !== null) best.set(document, Math.max(score, best.get(document) ?? -Infinity));
  }
  if (hits.length === 0) return 1;
  const [first, second] = [...best.values()].sort((a, b) => b - a);
  if (first === undefined || second === undefined) return 0;
  if (first <= 0) return 1;
  return Math.min(1, Math.max(0, second / first));
}

function toQuestion({ query, asked, uncertainty, hits }: Tally): LoggedQuestion {
  return {
    query,
    asked,
    uncertainty: uncertainty / asked,
    hits: [...hits.values()].sort((a, b) => a.rank - b.rank),
  };
}
