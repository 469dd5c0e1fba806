/** Bytes of a file → text, refusing what is none. */
import type { Readable } from 'node:stream';
import { invalidDocument } from './problems.js';

/** Largest file read as one document, and longest line of JSONL, in bytes. */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads a stream to its end.
 * @throws RetrievalError `invalid_document` when there is more than `maxBytes`.
 */
export async function readBytes(stream: Readable, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  // Leaving the loop early destroys the stream.
  for await (const part of stream as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw invalidDocument(`is larger than ${formatBytes(maxBytes)}`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/**
 * Decodes UTF-8, or UTF-16 that begins with its byte order mark; the mark is left out.
 * @throws RetrievalError `invalid_document` for anything else.
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalidDocument(
      encoding === 'utf-8' && bytes.includes(0)
        ? 'is binary, not text'
        : `is not valid ${encoding.toUpperCase()}`,
      error,
    );
  }
  if (text.includes('\0')) throw invalidDocument('is binary, not text');
  return text;
}

/** The encoding that the first bytes tell of. */
export function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

export function formatBytes(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return Number.isInteger(mebibytes) ? `${String(mebibytes)} MiB` : `${String(bytes)} bytes`;
}
