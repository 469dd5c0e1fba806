/** TREC run files, and trec_eval's order of a ranked list. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { compareCodePoints } from '../src/metadata/compare-code-points.js';
import { dataSetError, readLines, type InputFile } from './lines.js';

export interface ScoredDocument {
  readonly id: string;
  readonly score: number;
}

/** Query id → ranked documents. */
export type Run = ReadonlyMap<string, readonly ScoredDocument[]>;

/**
 * An id as a run file writes it. Columns are parted by white space, so white space in an id becomes
 * `%XX` per UTF-8 byte; so does a `%` that would read as such an escape. Other ids stay as they are.
 */
export function escapeId(id: string): string {
  return id.replace(/\s|%(?=[0-9A-F]{2})/gu, (character) => encodeURIComponent(character));
}

/** Undoes {@link escapeId}. */
export function unescapeId(text: string): string {
  return text.replace(/(?:%[0-9A-F]{2})+/gu, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped; // not ours: another tool's id that happens to hold a percent sign
    }
  });
}

/**
 * The list in the order in which trec_eval reads it: by score, then by id as bytes, both
 * descending; the rank column means nothing to it. It keeps scores in single precision, so two
 * that differ only beyond that are a tie. A document that is there twice counts once, by its
 * better score. (trec_eval 9.0.8, form_res_rels.c.)
 */
export function rankAsTrecEval(documents: readonly ScoredDocument[]): readonly ScoredDocument[] {
  const best = new Map<string, ScoredDocument>();
  for (const document of documents) {
    const before = best.get(document.id);
    if (before === undefined || document.score > before.score) best.set(document.id, document);
  }
  return [...best.values()].sort((a, b) => {
    const [scoreA, scoreB] = [Math.fround(a.score), Math.fround(b.score)];
    if (scoreA !== scoreB) return scoreB > scoreA ? 1 : -1;
    return compareCodePoints(escapeId(b.id), escapeId(a.id));
  });
}

/** Writes `query Q0 document rank score tag` lines; scores in full, so that reading gives the same numbers. */
export async function writeRun(path: string, run: Run, tag: string): Promise<void> {
  const out = createWriteStream(path);
  // `once` below also rejects on a write error; this keeps one that comes in between from being unhandled.
  const done = finished(out);
  done.catch(() => undefined);
  for (const [query, documents] of run) {
    const lines = documents.map(
      ({ id, score }, at) =>
        `${escapeId(query)} Q0 ${escapeId(id)} ${String(at + 1)} ${String(score)} ${escapeId(tag)}\n`,
    );
    if (!out.write(lines.join(''))) await once(out, 'drain');
  }
  out.end();
  await done;
}

/**
 * Reads a run file.
 * @throws RetrievalError `invalid_data_set`, with file and line.
 */
export async function readRun(file: InputFile, signal?: AbortSignal): Promise<Run> {
  const run = new Map<string, ScoredDocument[]>();
  for await (const line of readLines(file, signal)) {
    const [query, , id, , score, tag] = line.text.trim().split(/\s+/u);
    if (query === undefined || id === undefined || score === undefined || tag === undefined) {
      throw dataSetError(file, line.number, 'does not have six columns (query Q0 document rank score tag)');
    }
    const value = Number(score);
    if (!Number.isFinite(value)) throw dataSetError(file, line.number, 'the score is not a number');
    const key = unescapeId(query);
    let documents = run.get(key);
    if (documents === undefined) run.set(key, (documents = []));
    documents.push({ id: unescapeId(id), score: value });
  }
  return run;
}
