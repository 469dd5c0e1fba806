/** How an object is read: by its key as a file is by its name, else by its content type. */
import { formatOfName, type FileFormat } from '../formats.js';

/** What lies beside an object and holds its metadata, as Bedrock's knowledge bases have it. */
export const SIDECAR_SUFFIX = '.metadata.json';

const BY_CONTENT_TYPE: Readonly<Record<string, FileFormat>> = {
  'text/markdown': 'markdown',
  'text/x-markdown': 'markdown',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/plain': 'text',
  'application/jsonl': 'jsonl',
  'application/x-jsonlines': 'jsonl',
  'application/x-ndjson': 'jsonl',
};

/** `ask`: only the object itself can tell. `none`: no document. */
export type KeyFormat = FileFormat | 'ask' | 'none';

/** What a key tells; `isNamed` when it was named as it is, rather than found. */
export function formatOfKey(key: string, isNamed: boolean, given: FileFormat | undefined): KeyFormat {
  if (key.endsWith('/') || isSidecar(key)) return 'none';
  const byName = formatOfName(key);
  if (byName === 'jsonl') return 'jsonl';
  if (byName !== null) return given ?? byName;
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (!isNamed && name.includes('.')) return 'none';
  return given ?? 'ask';
}

/** What the content type tells of an object whose key tells nothing; an object that was named is text at last. */
export function formatOfContentType(contentType: string | null, isNamed: boolean): FileFormat | 'none' {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';', 1);
  const known = type.trim();
  const format = Object.hasOwn(BY_CONTENT_TYPE, known) ? BY_CONTENT_TYPE[known] : undefined;
  return format ?? (isNamed ? 'text' : 'none');
}

export function isSidecar(key: string): boolean {
  return key.endsWith(SIDECAR_SUFFIX);
}

/** The key of the object that a sidecar is of; any other key is its own. */
export function withoutSidecar(key: string): string {
  return isSidecar(key) ? key.slice(0, -SIDECAR_SUFFIX.length) : key;
}
