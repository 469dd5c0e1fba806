/** Standard input, or any other stream, as a source. */
import { addAbortSignal, type Readable } from 'node:stream';
import { RetrievalError } from '../../errors.js';
import type { Source } from '../types.js';
import { textDocument, type SourceOptions } from './files.js';
import { jsonlItems } from './jsonl.js';
import { failedByError } from './problems.js';
import { DEFAULT_MAX_BYTES, decodeText, readBytes } from './text.js';

export interface StreamOptions extends SourceOptions {
  /** The document's id; needed when the stream is one document. */
  readonly id?: string;
}

/** What failures of the stream are called. */
const NAME = 'stdin';

/**
 * JSON lines, or with a text `format` one whole document.
 * @throws RetrievalError `invalid_request` when one document has no id, or JSON lines have one.
 */
export function streamSource(stream: Readable, options: StreamOptions): Source {
  const { id, format = 'jsonl', metadata = {}, maxBytes = DEFAULT_MAX_BYTES } = options;
  if (format === 'jsonl') {
    if (id !== undefined) {
      throw new RetrievalError(
        'invalid_request',
        'JSON lines carry their own ids; leave --id out, or name a --format',
        {
          field: 'id',
        },
      );
    }
    return {
      total: null,
      items: (signal) =>
        jsonlItems(abortable(stream, signal), { name: NAME, format: 'text', metadata, maxBytes }, signal),
    };
  }
  if (id === undefined) {
    throw new RetrievalError('invalid_request', 'A document from standard input needs an --id', {
      field: 'id',
    });
  }
  return {
    total: 1,
    async *items(signal) {
      try {
        const content = decodeText(await readBytes(abortable(stream, signal), maxBytes));
        yield { kind: 'document', document: textDocument(id, content, format, metadata) };
      } catch (error) {
        yield failedByError(id, error, signal);
      }
    },
  };
}

/** Ends a read that waits for input which may never come. */
function abortable(stream: Readable, signal: AbortSignal | undefined): Readable {
  return signal === undefined ? stream : addAbortSignal(signal, stream);
}
