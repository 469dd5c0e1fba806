/** Files, folders and globs as a source. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { splitFrontMatter } from '../../chunking/front-matter.js';
import { throwIfCancelled } from '../../errors.js';
import type { Format, JsonObject } from '../../model.js';
import type { Source, SourceItem } from '../types.js';
import { formatOfName, type FileFormat } from './formats.js';
import { jsonlItems } from './jsonl.js';
import { isBlank, readLines } from './lines.js';
import { findFiles, type FoundFile } from './paths.js';
import { failedByError, invalidDocument } from './problems.js';
import { toRawDocument } from './raw-document.js';
import { DEFAULT_MAX_BYTES, decodeText, readBytes } from './text.js';

export interface SourceOptions {
  /** Metadata for every document; wins over the document's own. */
  readonly metadata?: JsonObject;
  /** Read files so, whatever their names say; in JSON lines, the format of those that name none. */
  readonly format?: FileFormat;
  /** Largest file read as one document, and longest line of JSONL, in bytes. */
  readonly maxBytes?: number;
}

export interface FilesOptions extends SourceOptions {
  /** Document ids are paths from here. */
  readonly cwd: string;
  /** Give files that state no date of change that of the file; it differs from checkout to checkout. */
  readonly fileDates?: boolean;
  /** Count the lines of JSONL files first, so that `total` is known. */
  readonly countLines?: boolean;
  readonly signal?: AbortSignal;
}

/** Finds the files now, and reads each when it is pulled. */
export async function openFilesSource(named: readonly string[], options: FilesOptions): Promise<Source> {
  const found = await findFiles(named, options.cwd, options.signal);
  const files = found.filter((one) => one.kind === 'file');
  const jsonl = files.filter((file) => fileFormat(file, options) === 'jsonl');
  const known = jsonl.length === 0 || options.countLines === true;
  const lines = known ? await countLines(jsonl, options) : null;
  return {
    total: lines === null ? null : found.length - jsonl.length + lines,
    async *items(signal) {
      for (const one of found) {
        throwIfCancelled(signal);
        if (one.kind === 'failed') yield one.item;
        else yield* fileItems(one, options, signal);
      }
    },
  };
}

async function* fileItems(
  file: FoundFile,
  options: FilesOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceItem> {
  const { metadata = {}, maxBytes = DEFAULT_MAX_BYTES } = options;
  try {
    const stats = await stat(file.path);
    // A FIFO is a shell's `<(command)`; anything else would never end or cannot be read.
    if (!stats.isFile() && !stats.isFIFO()) throw invalidDocument('is not a file');
    const format = fileFormat(file, options);
    if (format === 'jsonl') {
      const named = options.format === 'jsonl' ? undefined : options.format;
      const reading = { name: file.id, format: named ?? 'text', metadata, maxBytes };
      yield* jsonlItems(openFile(file.path, signal), reading, signal);
      return;
    }
    const content = decodeText(await readBytes(openFile(file.path, signal), maxBytes));
    const modifiedAt = options.fileDates === true ? stats.mtime.toISOString() : undefined;
    yield {
      kind: 'document',
      document: textDocument(file.id, content, format, metadata, file.id, modifiedAt),
    };
  } catch (error) {
    yield failedByError(file.id, error, signal);
  }
}

/** A file's own format; text where its name tells nothing. */
function fileFormat(file: FoundFile, options: FilesOptions): FileFormat {
  const byName = formatOfName(file.path);
  if (options.format !== undefined && byName !== 'jsonl') return options.format;
  return byName ?? 'text';
}

/**
 * A whole text as one document. The front matter of Markdown becomes metadata.
 * @throws RetrievalError `invalid_document`, `invalid_metadata`.
 */
export function textDocument(
  id: string,
  content: string,
  format: Format,
  overrides: JsonObject,
  source?: string,
  modifiedAt?: string,
): ReturnType<typeof toRawDocument> {
  const { metadata, body } =
    format === 'markdown' ? splitFrontMatter(content) : { metadata: {}, body: content };
  return toRawDocument({
    id,
    format,
    content: body,
    metadata,
    overrides,
    ...(source === undefined ? {} : { source }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  });
}

function openFile(path: string, signal: AbortSignal | undefined): Readable {
  const raw = createReadStream(path, signal === undefined ? {} : { signal });
  if (!path.toLowerCase().endsWith('.gz')) return raw;
  // `pipeline` hands a read error on to the unpacking stream, and closes the file when we stop early.
  return pipeline(raw, createGunzip(), () => undefined);
}

/** Lines that hold something; null when a file cannot be read twice, or at all. */
async function countLines(files: readonly FoundFile[], options: FilesOptions): Promise<number | null> {
  const { signal, maxBytes = DEFAULT_MAX_BYTES } = options;
  let count = 0;
  try {
    for (const { path } of files) {
      if (!(await stat(path)).isFile()) return null;
      for await (const { bytes } of readLines(openFile(path, signal), maxBytes)) {
        if (bytes === null || !isBlank(bytes)) count += 1;
      }
    }
    return count;
  } catch {
    throwIfCancelled(signal);
    return null;
  }
}
