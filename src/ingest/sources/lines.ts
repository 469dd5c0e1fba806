/**
 * The lines of a byte stream, with bounded memory. Lines end at LF or CRLF only: U+2028 and its
 * like, at which `node:readline` also splits, stand raw inside JSON strings.
 */

/** One line without its end; `number` counts from 1. `bytes` is null when the line is too long. */
export interface ByteLine {
  readonly number: number;
  readonly bytes: Buffer | null;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Yields every line, blank ones too. Of a line longer than `maxBytes` only the number is kept. */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<ByteLine> {
  let number = 0;
  let parts: Buffer[] = [];
  let length = 0;

  const take = (part: Buffer): void => {
    length += part.length;
    // One more, which may turn out to belong to the line's end.
    if (length > maxBytes + 1) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const finish = (): ByteLine => {
    number += 1;
    const [only] = parts;
    const bytes = withoutReturn(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts));
    const isTooLong = length > maxBytes + 1 || bytes.length > maxBytes;
    const line = { number, bytes: isTooLong ? null : bytes };
    parts = [];
    length = 0;
    return line;
  };

  for await (const chunk of stream) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let at = buffer.indexOf(NEWLINE); at !== -1; at = buffer.indexOf(NEWLINE, start)) {
      take(buffer.subarray(start, at));
      yield finish();
      start = at + 1;
    }
    take(buffer.subarray(start));
  }
  if (length > 0) yield finish();
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
}

/** Whether a line holds nothing but white space. */
export function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN);
}
