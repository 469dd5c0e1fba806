/** Judgements that a person made: JSON lines, or a table with tabs. */
import { basename } from 'node:path';
import { z } from 'zod';
import { idSchema } from '../../src/generations/questions.js';
import { firstIssue } from '../corpus.js';
import { dataSetError, parseJsonLine, readLines, type InputFile } from '../lines.js';

export interface Judgement {
  readonly query: string;
  readonly document: string;
  /** `true` says relevant and no more; a number says how much, 0 not at all. */
  readonly relevant: boolean | number;
}

export interface Judgements {
  readonly judged: readonly Judgement[];
  /** Lines of a template that nobody has filled in. */
  readonly open: number;
}

const relevantSchema = z.union([z.boolean(), z.literal([0, 1, 2, 3]), z.null()], {
  error: 'must be true, false, 0, 1, 2 or 3, or null while it is not judged',
});

/** Other members, as a template has them, are not looked at. */
const judgementSchema = z.object(
  {
    query: z.string({ error: 'must be a string' }).trim().min(1, 'is empty'),
    document: z.union([z.literal(''), idSchema], { error: 'must be a string' }),
    relevant: relevantSchema,
  },
  { error: 'must be a JSON object' },
);

/**
 * Reads `{"query": "…", "document": "…", "relevant": true}` a line; of a `.tsv` the columns of these
 * names.
 * @throws RetrievalError `invalid_data_set`, naming the line; `cancelled`
 */
export async function readJudgements(path: string, signal: AbortSignal): Promise<Judgements> {
  const file = { path, label: basename(path) };
  const judged: Judgement[] = [];
  let open = 0;
  for await (const { number, value } of valuesOf(file, signal)) {
    const parsed = judgementSchema.safeParse(value);
    if (!parsed.success) throw dataSetError(file, number, firstIssue(parsed.error));
    const { query, document, relevant } = parsed.data;
    if (relevant === null) open += 1;
    else if (document === '') throw dataSetError(file, number, 'document is empty');
    else judged.push({ query, document, relevant });
  }
  return { judged, open };
}

interface NumberedValue {
  readonly number: number;
  readonly value: unknown;
}

async function* valuesOf(file: InputFile, signal: AbortSignal): AsyncGenerator<NumberedValue> {
  let columns: readonly string[] | null = null;
  for await (const line of readLines(file, signal)) {
    if (!/\.tsv(?:\.gz)?$/u.test(file.path)) {
      yield { number: line.number, value: parseJsonLine(file, line) };
      continue;
    }
    const cells = line.text
      .replace(/^\ufeff/u, '')
      .split('\t')
      .map((cell) => cell.trim());
    if (columns === null) {
      columns = cells;
      for (const name of ['query', 'document', 'relevant']) {
        if (!columns.includes(name)) {
          throw dataSetError(file, line.number, `has to name the columns; there is no "${name}"`);
        }
      }
      continue;
    }
    const row = new Map(columns.map((name, at) => [name, cells[at] ?? '']));
    yield {
      number: line.number,
      value: {
        query: row.get('query'),
        document: row.get('document'),
        relevant: relevantOf(row.get('relevant') ?? ''),
      },
    };
  }
}

/** A cell's text as the value that JSON lines would have; what is none stays text, and is refused. */
function relevantOf(cell: string): unknown {
  switch (cell.toLowerCase()) {
    case '':
    case 'null':
      return null;
    case 'true':
    case 'yes':
      return true;
    case 'false':
    case 'no':
      return false;
    default:
      return /^\d$/u.test(cell) ? Number(cell) : cell;
  }
}
