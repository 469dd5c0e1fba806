/** What a source says of something it could not read. */
import { RetrievalError, cancelled, systemCode } from '../../errors.js';
import type { SourceItem } from '../types.js';

/** An item that failed: `problem` completes a sentence that begins with the item's name. */
export function failedItem(name: string, problem: string, cause?: unknown): SourceItem {
  return { kind: 'failed', name, error: invalidDocument(problem, cause) };
}

export function invalidDocument(problem: string, cause?: unknown): RetrievalError {
  return new RetrievalError('invalid_document', problem, cause === undefined ? {} : { cause });
}

/**
 * The failure of an item, from whatever reading it threw.
 * @throws RetrievalError `cancelled` when that was the caller giving up.
 */
export function failedByError(name: string, error: unknown, signal: AbortSignal | undefined): SourceItem {
  if (signal?.aborted === true) throw cancelled(signal.reason);
  if (error instanceof RetrievalError) return { kind: 'failed', name, error };
  return failedItem(name, fileProblem(error), error);
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
  EISDIR: 'is a folder',
  ELOOP: 'is a symbolic link that leads back to itself',
  ENAMETOOLONG: 'has too long a path',
  Z_BUF_ERROR: 'is a gzip file that ends too early',
  Z_DATA_ERROR: 'is not a sound gzip file',
};

function fileProblem(error: unknown): string {
  const code = systemCode(error) ?? 'unknown error';
  return FILE_PROBLEMS[code] ?? `cannot be read (${code})`;
}
