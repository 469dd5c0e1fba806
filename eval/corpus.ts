/** A BEIR corpus: scanned once for its hash and ids, then streamed as an ingest source. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { idSchema } from '../src/generations/questions.js';
import type { Source, SourceItem } from '../src/ingest/types.js';
import { dataSetError, parseJsonLine, readLines, type InputFile } from './lines.js';

const textSchema = z
  .string({ error: 'must be a string' })
  .nullish()
  .transform((text) => text ?? '');

const documentSchema = z.object(
  { _id: idSchema, title: textSchema, text: textSchema },
  { error: 'must be a JSON object' },
);

interface CorpusDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

export interface Corpus {
  /** Hex SHA-256 over ids, titles and texts in order; packing and other members do not matter. */
  readonly hash: string;
  /** Documents that have a title or a text. */
  readonly documents: number;
  /** Documents with neither; they are not ingested. */
  readonly empty: number;
  has(id: string): boolean;
  source(): Source;
}

/**
 * Reads the whole corpus once. Only the ids stay in memory.
 * @throws RetrievalError `invalid_data_set`, with file and line: malformed, or an id that came before.
 */
export async function scanCorpus(file: InputFile, signal?: AbortSignal): Promise<Corpus> {
  const hash = createHash('sha256');
  const ids = new Set<string>();
  let empty = 0;
  for await (const { line, document } of readDocuments(file, signal)) {
    if (ids.has(document.id)) throw dataSetError(file, line, 'the _id has come before');
    ids.add(document.id);
    if (document.title === '' && document.text === '') empty += 1;
    hash.update(JSON.stringify([document.id, document.title, document.text]));
  }
  if (ids.size === empty) throw dataSetError(file, null, 'holds no document with a title or a text');
  const documents = ids.size - empty;
  return {
    hash: hash.digest('hex'),
    documents,
    empty,
    has: (id) => ids.has(id),
    source: () => ({ total: documents, items: (itemSignal) => sourceItems(file, itemSignal) }),
  };
}

async function* sourceItems(file: InputFile, signal?: AbortSignal): AsyncGenerator<SourceItem> {
  for await (const { document } of readDocuments(file, signal)) {
    const { id, title, text } = document;
    if (title === '' && text === '') continue;
    // A document that is only a title is indexed by it, once. No measure uses the metadata, and a
    // corpus whose metadata changes type from line to line must not fail, so none is ingested.
    const content = text === '' ? { content: title } : { content: text, ...(title === '' ? {} : { title }) };
    yield { kind: 'document', document: { id, format: 'text', ...content, metadata: {} } };
  }
}

async function* readDocuments(
  file: InputFile,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly line: number; readonly document: CorpusDocument }> {
  for await (const line of readLines(file, signal)) {
    const parsed = documentSchema.safeParse(parseJsonLine(file, line));
    if (!parsed.success) throw dataSetError(file, line.number, firstIssue(parsed.error));
    const { _id: id, title, text } = parsed.data;
    // White space alone is no text, and a chunker would make nothing of it.
    yield { line: line.number, document: { id, title: title.trim(), text: text.trim() === '' ? '' : text } };
  }
}

/** A schema's first complaint, `text must be a string`. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'is not valid';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')} ${issue.message}`;
}
