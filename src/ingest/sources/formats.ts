/** Which files are documents, told by the end of their name. */
import type { Format } from '../../model.js';

/** How a file is read: as one document in that format, or as one document a line. */
export type FileFormat = Format | 'jsonl';

const BY_EXTENSION: Readonly<Record<string, FileFormat>> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.mdx': 'markdown',
  '.htm': 'html',
  '.html': 'html',
  '.txt': 'text',
  '.text': 'text',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.jsonl.gz': 'jsonl',
  '.ndjson.gz': 'jsonl',
};

/** What a folder is searched for, as messages list it. */
export const KNOWN_EXTENSIONS: readonly string[] = Object.keys(BY_EXTENSION);

/** The format a file's name stands for, in any case; null when it stands for none. */
export function formatOfName(name: string): FileFormat | null {
  const lower = name.toLowerCase();
  const extension = KNOWN_EXTENSIONS.find((known) => lower.endsWith(known));
  return extension === undefined ? null : (BY_EXTENSION[extension] ?? null);
}
