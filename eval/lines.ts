/** Reading text files line by line, plain or gzipped, with bounded memory and typed errors. */
import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { cancelled, RetrievalError, systemCode } from '../src/errors.js';

/** One line without its LF (a CR stays, as white space at its end); `number` counts from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** A file to read: where it is, and what messages call it. */
export interface InputFile {
  readonly path: string;
  readonly label: string;
}

const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** An `invalid_data_set` error that names the file and, where there is one, the line. */
export function dataSetError(
  file: InputFile,
  line: number | null,
  problem: string,
  cause?: unknown,
): RetrievalError {
  const place = line === null ? file.label : `${file.label}, line ${String(line)}`;
  return new RetrievalError('invalid_data_set', `${place}: ${problem}`, {
    details: { file: file.label, ...(line === null ? {} : { line }) },
    cause,
  });
}

/**
 * The lines of a file that hold more than white space; `.gz` is unpacked on the way. Lines end at LF
 * only: U+2028 and its like, at which `node:readline` also splits, stand raw inside JSON strings.
 * @throws RetrievalError `invalid_data_set` (unreadable, not UTF-8, broken gzip, a line over 64 MiB),
 * `cancelled`.
 */
export async function* readLines(file: InputFile, signal?: AbortSignal): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  const decode = (bytes: Buffer): Line | null => {
    number += 1;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch (error) {
      throw dataSetError(file, number, 'is not UTF-8', error);
    }
    return text.trim() === '' ? null : { number, text };
  };

  let parts: Buffer[] = [];
  let pending = 0;
  try {
    for await (const chunk of open(file, signal) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
        parts.push(chunk.subarray(start, at));
        const line = decode(parts.length === 1 ? chunk.subarray(start, at) : Buffer.concat(parts));
        parts = [];
        pending = 0;
        start = at + 1;
        if (line !== null) yield line;
      }
      if (start < chunk.length) {
        parts.push(chunk.subarray(start));
        pending += chunk.length - start;
        if (pending > MAX_LINE_BYTES) throw dataSetError(file, number + 1, 'is longer than 64 MiB');
      }
    }
    if (parts.length > 0) {
      const line = decode(Buffer.concat(parts));
      if (line !== null) yield line;
    }
  } catch (error) {
    throw translate(error, file, signal);
  }
}

/** The JSON value of a line. @throws RetrievalError `invalid_data_set`, which does not repeat the line. */
export function parseJsonLine(file: InputFile, line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch {
    // The parser's own message quotes the text, so it is not kept as the cause.
    throw dataSetError(file, line.number, 'is not JSON');
  }
}

function open(file: InputFile, signal: AbortSignal | undefined): Readable {
  const raw = createReadStream(file.path, signal === undefined ? {} : { signal });
  if (!file.path.endsWith('.gz')) return raw;
  // pipeline passes a read error on to the unpacking stream, and closes the file when we stop early.
  return pipeline(raw, createGunzip(), () => undefined);
}

function translate(error: unknown, file: InputFile, signal: AbortSignal | undefined): unknown {
  if (error instanceof RetrievalError) return error;
  if (signal?.aborted === true) return cancelled(error);
  const code = systemCode(error) ?? 'unknown error';
  return dataSetError(file, null, `cannot be read (${code})`, error);
}
