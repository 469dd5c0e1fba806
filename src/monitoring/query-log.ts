/**
 * The query log: what was asked and which passages were shown, as JSON lines, for eval sets to grow
 * from. Off unless a file is named, for questions may be confidential. No query waits for it or
 * fails by it: lines are written behind, at most so many wait, and a disk that fails loses them.
 */
import { appendFile } from 'node:fs/promises';
import type { AnswerEvent, AnswerRequest } from '../answer/schema.js';
import { systemCode } from '../errors.js';
import type { QueryAnswer, QueryRequest } from '../retrieval/schema.js';

export interface QueryLog {
  /** A query that somebody asked; what Plumbline asks itself is not logged. */
  queried(request: QueryRequest, answer: QueryAnswer): void;
  /** Passes the events of an answer on, and logs the question with its sources. */
  answering(
    collection: string,
    request: AnswerRequest,
    events: AsyncGenerator<AnswerEvent>,
  ): AsyncGenerator<AnswerEvent>;
  /** Writes what waits, if the disk lets it. */
  close(): Promise<void>;
}

interface QueryLogOptions {
  readonly path: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Appends to the file; a test's own. */
  readonly append?: (path: string, text: string) => Promise<void>;
}

/** Hits of one line. */
const MAX_HITS = 100;
/** What waits to be written, in UTF-16 code units; more is left out. */
const MAX_WAITING = 4 * 1024 * 1024;
/** A disk that hangs must not keep the process from ending. */
const CLOSE_MS = 2000;

export function createQueryLog({
  path,
  now,
  onNotice = () => undefined,
  append = appendPrivately,
}: QueryLogOptions): QueryLog {
  let waiting: string[] = [];
  let size = 0;
  let lost = 0;
  let isFailing = false;
  let writing: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      size = 0;
      try {
        // What failed may have left half a line behind; readers pass over blank ones.
        await append(path, `${isFailing ? '\n' : ''}${lines.join('')}`);
        if (lost > 0) onNotice(`The query log is written again; ${String(lost)} queries are not in it`);
        isFailing = false;
        lost = 0;
      } catch (error) {
        lost += lines.length;
        if (!isFailing)
          onNotice(
            `The query log ${path} cannot be written (${systemCode(error) ?? 'for an unknown reason'}); queries go on`,
          );
        isFailing = true;
      }
    }
    writing = null;
  };
  const write = (entry: object): void => {
    const line = `${JSON.stringify({ time: new Date(now()).toISOString(), ...entry })}\n`;
    if (size + line.length > MAX_WAITING) {
      lost += 1;
      return;
    }
    waiting.push(line);
    size += line.length;
    writing ??= drain();
  };

  return {
    queried(request, { collection, generation, mode, hits }) {
      write({
        collection,
        query: request.query,
        mode,
        ...(request.filter === undefined ? {} : { filter: request.filter }),
        generation,
        hits: toHits(hits, request.offset),
      });
    },
    async *answering(collection, request, events) {
      let found: Extract<AnswerEvent, { readonly event: 'sources' }>['data'] | null = null;
      try {
        for await (const event of events) {
          // They may come again; the last ones count.
          if (event.event === 'sources') found = event.data;
          yield event;
        }
      } finally {
        if (found !== null) {
          write({
            collection,
            query: request.query,
            mode: request.mode,
            ...(request.filter === undefined ? {} : { filter: request.filter }),
            generation: found.generation,
            hits: toHits(found.sources, 0),
          });
        }
      }
    },
    async close() {
      if (writing === null) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([writing, late]);
      clearTimeout(timer);
    },
  };
}

function toHits(
  hits: readonly {
    readonly document_id: string;
    readonly chunk_id: string;
    readonly score: number | null;
  }[],
  offset: number,
): readonly object[] {
  return hits
    .slice(0, MAX_HITS)
    .map(({ document_id, chunk_id, score }, at) => ({ document_id, chunk_id, rank: offset + at + 1, score }));
}

/** Opened for each batch: whoever rotates the log need tell nobody. Others may not read it. */
async function appendPrivately(path: string, text: string): Promise<void> {
  await appendFile(path, text, { mode: 0o600 });
}
